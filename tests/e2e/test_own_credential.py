"""The operator's credential looks after itself, as docs/accounts.md says: begun with its commands and its samples.

The clocks of the operator and of the simulator are put forward together, and the operator starts again each time.
"""

import base64
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.accounts import CREDENTIAL_FINALIZER, finalizers_of, force_delete, is_gone, is_held
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import CREDENTIAL, FAST, INSTALLATION, OPERATOR_NAMESPACE, World, eventually

ROOT = Path(__file__).parents[2]
SAMPLES = ("account.yaml", "credential.yaml")
API_TOKEN = f"{GROUP}/namespaces/{OPERATOR_NAMESPACE}/apitokens/operator-credential"
SECRET = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/mailtrap-credentials"
ACCOUNTS = [f"{GROUP}/clustermailtrapaccounts/{name}" for name in ("default", "operator-credential")]

PERIOD = 46
"""Days; a credential is renewed when it is 45 days old at the latest, and lives for 90."""

PERIODS = 2
"""So many that the operator outlives all that was there at the beginning."""


PAGE = (ROOT / "docs" / "accounts.md").read_text()


def commands(beginning: str) -> list[str]:
    """Return the commands of the part of the page whose heading or text begins so."""
    part = PAGE[PAGE.index(beginning) :].partition("\n### ")[0]
    blocks = re.findall(r"```console\n(.*?)```", part, re.DOTALL)
    return [each.strip() for block in blocks for each in re.findall(r"\$ ((?:.*\\\n)*.*)", block)]


BOOTSTRAP = commands("### From the first credential on")
(REPLACE,) = commands("### When something goes wrong")
(HAND_OVER_ANEW,) = re.findall(r"`(kubectl annotate secret .* mailtrap-operator.io/owner-)`", PAGE)


def value_in(secret: Body | None) -> str:
    data = (secret or {}).get("data") or {}
    return base64.b64decode(data.get("token", "")).decode()


def made_by_hand(simulator: SimulatorProcess) -> Body:
    rights = [{"resource_type": "account", "resource_id": simulator.account_id, "access_level": 100}]
    made: Body = simulator.control("POST", "tokens", {"name": "by hand", "resources": rights})
    return made


class Scene:
    """The operator's namespace with a credential that looks after itself, and one ApiToken of a user."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.days = 0
        self.first = self.made_by_hand()

    def made_by_hand(self) -> Body:
        """Have a person make a credential; return its id and its value."""
        return made_by_hand(self.world.simulator)

    def run(self, command: str, given: str = "") -> None:
        """Run a command of the page, with the samples of this scene."""
        for name in SAMPLES:
            command = command.replace(f"deploy/samples/{name}", str(self.world.folder / name))
        command = command.replace("2498715", str(self.first["id"]))
        for part in command.replace("\\\n", " ").split(" | "):
            given = self.world.cluster.kubectl(*shlex.split(part)[1:], input=given)

    @contextmanager
    def operator(self) -> Iterator[None]:
        """Run an operator that sees this scene alone, at this time."""
        world = self.world
        environment = {
            "MAILTRAP_OPERATOR_WATCH_NAMESPACES": f"{OPERATOR_NAMESPACE},{world.namespace}",
            "MAILTRAP_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE,
            "MAILTRAP_OPERATOR_INSTALLATION": INSTALLATION,
        }
        kubeconfig = world.cluster.kubeconfig_for("operator", ["system:masters"])
        log = world.folder / f"operator-{self.days}.log"
        url = world.simulator.url
        with OperatorProcess(kubeconfig, url, log, *FAST, environment=environment, days_ahead=self.days):
            yield

    def pass_days(self, days: int) -> None:
        """Put the clocks forward, while no operator runs."""
        self.days += days
        self.world.simulator.control("POST", "clock", {"advance": days * 86_400})

    def begin(self) -> None:
        """Carry out the first two steps of the page, and have a user served."""
        create, hand_over, *rest = BOOTSTRAP
        self.run(create, self.first["token"])
        for command in (hand_over, *rest[:2]):
            self.run(command)
        self.world.put_api_token(
            "mailer",
            accountRef={"name": "default"},
            resources=[{"type": "domain", "id": 435, "accessLevel": "Admin"}],
            expiration={"policy": "After", "after": "2160h"},
            rotation={"renewBefore": "1080h"},
        )
        self.world.becomes_ready("mailer")

    def serve(self, request: str) -> None:
        """Have the user ask for a rotation, and get it."""
        mailer = self.world.value("mailer")
        self.world.request_rotation("mailer", request)
        eventually(lambda: self.world.value("mailer") != mailer, "the user is served")
        assert self.world.works(self.world.becomes_ready("mailer"))

    @property
    def api_token(self) -> Body:
        """The ApiToken whose value the credential is."""
        return self.world.kube.get(API_TOKEN) or {"status": {}}

    def condition(self, type_: str = "Ready") -> Body:
        """Return a condition of it, empty where there is none."""
        conditions = self.api_token["status"].get("conditions", [])
        return next((c for c in conditions if c["type"] == type_), {})

    @property
    def credential(self) -> str:
        """What the Secret holds."""
        return value_in(self.world.kube.get(SECRET))

    def becomes_other(self, former: str) -> str:
        """Wait until the credential is another one and nothing is left to do; return it."""

        def look() -> str | None:
            # The Secret is written before the status: until that is about the same value, it is the former one's.
            is_done = self.condition().get("status") == "True" and not self.condition("Reconciling")
            present, told = self.credential, self.api_token["status"].get("lastFour")
            return present if is_done and present != former and present[-4:] == told else None

        return eventually(look, f"there is another credential: {self.api_token['status']}")

    def own(self) -> list[Body]:
        """Return the tokens that were issued for it, without those that are dead."""
        return [t for t in self.world.living() if t["name"].startswith("mailtrap-operator [k8s:")]

    def is_known_to_both(self) -> None:
        """Wait until both accounts are listed with the present credential."""
        last_four = self.credential[-4:]

        def look() -> bool:
            bodies = [self.world.kube.get(path) or {} for path in ACCOUNTS]
            told = [body.get("status", {}).get("credential", {}).get("lastFour") for body in bodies]
            return [last_four, last_four] == told

        eventually(look, "both accounts are listed with it")

    def leave(self) -> None:
        """Take everything away."""
        for path in (self.world.api_token_path("mailer"), API_TOKEN, *ACCOUNTS, SECRET):
            if self.world.kube.get(path):
                force_delete(self.world.kube, path)


@pytest.fixture
def scene(cluster: Cluster, kube: Kube, simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Scene]:
    """Provide the samples with this simulator's address, and no other account."""
    world = World(cluster, kube, simulator, tmp_path)
    kube.delete(world.account_path())
    for name in SAMPLES:
        text = (ROOT / "deploy" / "samples" / name).read_text().replace("https://mailtrap.io", simulator.url)
        text = text.replace("refreshInterval: 60s", "refreshInterval: 10s")
        (tmp_path / name).write_text(text.replace("names: [default]", f"names: [{world.namespace}]"))
    scene = Scene(world)
    yield scene
    scene.leave()


def test_from_one_credential_by_hand_the_operator_works_longer_than_any_credential_lives(
    scene: Scene,
) -> None:
    world, first = scene.world, scene.first["token"]
    with scene.operator():
        scene.begin()
        second = scene.becomes_other(first)
        for command in BOOTSTRAP[4:]:
            scene.run(command)
        adopted = eventually(lambda: scene.api_token["status"].get("adopted"), "the first one is adopted")
        assert (scene.first["id"], True) == (adopted, world.works(first))

        world.kube.merge(API_TOKEN, {"metadata": {"annotations": {"mailtrap-operator.io/rotate": "now"}}})
        present = scene.becomes_other(second)
        scene.is_known_to_both()

    for _ in range(PERIODS):
        former = present
        scene.pass_days(PERIOD)
        with scene.operator():
            present = scene.becomes_other(former)
            eventually(lambda: len(scene.own()) == 2, "those before are deleted")
            assert world.works(former)
            assert world.works(world.becomes_ready("mailer"))
            since = world.last_call()
            scene.serve(f"after {scene.days} days")
            calls = [call for call in world.mutations() if since < call["seq"]]
            assert {present[-4:]} == {call["credential"] for call in calls}

    assert not world.works(first)
    assert [] == [call for call in world.calls() if call["status"] == 401 and call["operation"] != "accounts"]
    assert "reset" not in {
        c["operation"] for c in world.mutations() if c["token_id"] in {t["id"] for t in scene.own()}
    }
    assert [] == world.tripped()


def test_its_deletion_takes_nothing_from_the_operator_and_ends_with_another_credential(scene: Scene) -> None:
    world = scene.world
    with scene.operator():
        scene.begin()
        present = scene.becomes_other(scene.first["token"])
        scene.is_known_to_both()

        # The garbage collector would delete its Secret first.
        world.kube.delete(API_TOKEN, propagationPolicy="Foreground")

        eventually(lambda: scene.condition().get("reason") == "CredentialInUse", "it says what it waits for")
        advice = "Put another token into the credentials Secret of ClusterMailtrapAccount"
        assert advice in scene.condition()["message"]
        scene.serve("meanwhile")
        assert (present, True) == (scene.credential, world.works(present))

        by_hand = scene.made_by_hand()["token"]
        scene.run(REPLACE, by_hand)

        is_gone(world, API_TOKEN)
        assert ([], by_hand, False) == (scene.own(), scene.credential, world.works(present))
        scene.serve("afterwards")
        assert by_hand[-4:] == world.mutations()[-1]["credential"]


def test_its_secret_cannot_be_deleted_and_moves_to_another_place(scene: Scene) -> None:
    world, kube = scene.world, scene.world.kube
    with scene.operator():
        scene.begin()
        present = scene.becomes_other(scene.first["token"])
        is_held(world, SECRET, CREDENTIAL_FINALIZER)

        kube.delete(SECRET)
        scene.serve("meanwhile")
        assert present == scene.credential

        kube.merge(API_TOKEN, {"spec": {"secretName": "moved"}})
        moved = SECRET.replace("mailtrap-credentials", "moved")
        eventually(lambda: kube.get(moved), "the value has moved")
        for path in ACCOUNTS:
            kube.merge(path, {"spec": {"credentialsSecretRef": {"name": "moved"}}})

        is_gone(world, SECRET)
        is_held(world, moved, CREDENTIAL_FINALIZER)
        assert present == value_in(kube.get(moved))
        world.becomes_ready("mailer")
        kube.merge(moved, {"metadata": {"finalizers": None}})
        kube.delete(moved)


def test_a_secret_that_is_gone_is_made_again_by_hand(scene: Scene) -> None:
    world, (create, hand_over, *_) = scene.world, BOOTSTRAP
    with scene.operator():
        scene.begin()
        lost = scene.becomes_other(scene.first["token"])
        is_held(world, SECRET, CREDENTIAL_FINALIZER)

        force_delete(world.kube, SECRET)
        eventually(
            lambda: scene.condition().get("reason") == "CredentialMissing", "it says what it waits for"
        )
        by_hand = scene.made_by_hand()["token"]
        scene.run(create, by_hand)
        eventually(
            lambda: scene.condition("Stalled").get("reason") == "SecretNotOwned", "the Secret is not its own"
        )
        assert (
            "mailtrap-operator.io/hand-over-to: operator-credential" in scene.condition("Stalled")["message"]
        )
        assert by_hand == scene.credential
        scene.run(hand_over)

        assert scene.becomes_other(by_hand) not in {lost, by_hand}
        assert finalizers_of(world, API_TOKEN)


def test_one_that_is_given_up_and_created_again_continues_with_the_secret(scene: Scene) -> None:
    world = scene.world
    with scene.operator():
        scene.begin()
        present = scene.becomes_other(scene.first["token"])
        annotations = {"mailtrap-operator.io/abandon-remote-tokens": "true"}
        world.kube.merge(API_TOKEN, {"metadata": {"annotations": annotations}})
        world.kube.delete(API_TOKEN)
        is_gone(world, API_TOKEN)
        scene.serve("meanwhile")
        assert (present, True) == (scene.credential, world.works(present))
        # With its marks it would be taken over at once.
        world.kube.merge(SECRET, {"metadata": {"annotations": {"mailtrap-operator.io/api-token": None}}})

        scene.run(BOOTSTRAP[2])
        eventually(
            lambda: scene.condition("Stalled").get("reason") == "SecretNotOwned", "it is another one's"
        )
        scene.run(HAND_OVER_ANEW)

        assert present != scene.becomes_other(present)
        scene.serve("afterwards")


@pytest.fixture
def own(cluster: Cluster, kube: Kube, tmp_path: Path) -> Iterator[World]:
    """Provide a namespace whose MailtrapAccount has the value of an ApiToken as its credential, and one more ApiToken."""
    with SimulatorProcess(CREDENTIAL) as simulator:
        world = World(cluster, kube, simulator, tmp_path)
        world.account_kind, world.account = "MailtrapAccount", "own"
        data = {"token": base64.b64encode(made_by_hand(simulator)["token"].encode()).decode()}
        metadata = {"name": "credential", "annotations": {"mailtrap-operator.io/hand-over-to": "credential"}}
        kube.create(world.secret_path(""), {"metadata": metadata, "data": data})
        world.put_account(credentialsSecretRef={"name": "credential"})
        rights = [{"type": "account", "id": simulator.account_id, "accessLevel": "Admin"}]
        with world.operator():
            world.put_api_token("credential", resources=rights, creationPolicy="Orphan")
            world.put_api_token("mailer")
            for name in ("credential", "mailer"):
                world.becomes_ready(name)
            is_held(world, world.secret_path("credential"), CREDENTIAL_FINALIZER)
            yield world


def test_a_namespace_with_its_own_credential_goes_but_for_that_until_it_is_given_up(own: World) -> None:
    namespace = f"/api/v1/namespaces/{own.namespace}"
    value = own.value("credential")
    eventually(lambda: own.calls("list")[-1]["credential"] == (value or "")[-4:], "it is at work")

    own.kube.delete(namespace)

    own.becomes("credential", "CredentialInUse")
    own.is_gone("mailer")
    assert [] == own.tokens_of("mailer")
    assert own.works(value)
    annotations = {"mailtrap-operator.io/abandon-remote-tokens": "true"}
    own.kube.merge(own.api_token_path("credential"), {"metadata": {"annotations": annotations}})
    is_gone(own, namespace)
    assert own.works(value)
