"""The stage as a place to play: one working ApiToken, and what to type next."""

import contextlib
import os

from demo import story
from demo.scene import Scene
from demo.witness import KEY, SECRET

_COMMANDS = (
    ("kubectl get mtat", "the ApiTokens and how they are"),
    ("kubectl describe mtat billing", "conditions and events"),
    ("kubectl edit mtat billing", "another expiry or access level: a new value"),
    ("kubectl annotate mtat billing team=payments", "changes nothing in Mailtrap"),
    ("kubectl delete secret billing-mailtrap", "comes back with a new value"),
    ("kubectl delete mtat billing", "the token dies with it"),
    ("kubectl apply -f deploy/samples/apitoken.yaml", "and here it is again"),
)


def play(scene: Scene) -> None:
    """Keep everything running until Ctrl-C.

    Raises:
        StepFailed: the sample got no token.
        KubectlError: kubectl failed.
        OperatorError: the operator ended by itself.
    """
    scene.show.headline("An ApiToken to play with")
    story.an_api_token_becomes_a_secret(scene)
    scene.show.headline("In another terminal, in this folder")
    cluster = scene.cluster
    for name, value in (cluster.environment() | {"PATH": f"{cluster.programs}{os.pathsep}$PATH"}).items():
        scene.show.say(f'export {name}="{value}"')
    scene.show.say()
    for command, effect in _COMMANDS:
        scene.show.say(f"{command:<46}  # {effect}")
    scene.show.say()
    url = scene.simulator.url
    scene.show.say(f"TOKEN=$(kubectl get secret {SECRET} -o jsonpath='{{.data.{KEY}}}' | base64 -d)")
    scene.show.say(f'curl -i -H "Api-Token: $TOKEN" {url}/api/accounts')
    scene.show.say(f"curl -s {url}/_simulator/state | python3 -m json.tool")
    scene.show.say(f"tail -f {scene.operator.log}")
    scene.show.headline("Ctrl-C ends all of it.")
    with contextlib.suppress(KeyboardInterrupt):
        scene.operator.wait()
