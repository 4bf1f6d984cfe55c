"""The names of resource types: the API's earlier reference has other names for some of today's types."""

_TODAYS_NAMES = {"inbox": "sandbox", "sending_domain": "domain"}


def todays_type(name: str) -> str:
    """Return a type's name in today's reference; one that is not known stays as it is."""
    return _TODAYS_NAMES.get(name, name)
