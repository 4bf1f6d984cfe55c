"""The User-Agent that the operator sends to servers."""

from importlib.metadata import version

USER_AGENT = f"mailtrap-operator/{version('mailtrap-operator')}"
