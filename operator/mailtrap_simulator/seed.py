"""The resources of the command's account: those that the documentation and the samples of the operator name."""

from typing import Any

_SANDBOXES = [
    {"id": 4711, "name": "staging", "type": "sandbox"},
    {"id": 7, "name": "development", "type": "sandbox"},
]
RESOURCES: list[dict[str, Any]] = [
    {"id": 4, "name": "shop", "type": "project", "resources": _SANDBOXES},
    {"id": 435, "name": "example.com", "type": "domain"},
    {"id": 436, "name": "example.org", "type": "domain"},
    {"id": 437, "name": "mail.example.com", "type": "domain"},
    {"id": 1, "name": "shop.example", "type": "domain"},
]
"""As `POST accounts` takes them."""
