"""The main line: a Secret appears, follows the spec, and is cleaned up, with nothing remote done in vain."""

from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import World, eventually


def test_an_api_token_becomes_a_secret_with_a_working_token(world: World, operator: OperatorProcess) -> None:
    world.put_api_token("billing")

    value = world.becomes_ready("billing")

    assert world.works(value)
    assert world.holds_the_one("billing")


def test_a_deleted_api_token_leaves_nothing_behind(world: World, operator: OperatorProcess) -> None:
    world.put_api_token("billing")
    value = world.becomes_ready("billing")

    world.delete_api_token("billing")

    world.is_gone("billing")
    eventually(lambda: world.secret("billing") is None, "the Secret is collected", seconds=90)
    assert not world.works(value)
    assert world.tokens() == []
