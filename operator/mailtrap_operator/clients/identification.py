"""How the operator names itself to servers."""

from importlib.metadata import version

USER_AGENT = f"mailtrap-operator/{version('mailtrap-operator')}"
