"""Objects whose resources are given by name: by default domain 7 by the name shop.example."""

from dataclasses import replace
from typing import Any

from mailtrap_operator.api.v1alpha1 import ApiToken, BoundResource, Resource
from mailtrap_operator.core.observation import Catalogue, CatalogueEntry, Found, Observation, Unknown
from tests.unit.core.builders import ACCOUNT, ACCOUNT_IDS, WIPED, a_status, an_api_token

ACCOUNT_ID = ACCOUNT_IDS[ACCOUNT]
NAMED = Resource(type="domain", name="shop.example", access_level="Admin")
RENAMED = Resource(type="domain", name="new.example", access_level="Admin")
BOUND = BoundResource(type="domain", name="shop.example", id=7, account_id=ACCOUNT_ID)

SHOP = ("domain", "shop.example", 7)


def a_catalogue(*entries: tuple[str, str, int | str]) -> Found[Catalogue]:
    """Return the resources of the account."""
    return Found(Catalogue(ACCOUNT_ID, tuple(CatalogueEntry(*entry) for entry in entries)))


TREE = a_catalogue(SHOP, ("project", "shop", 4), ("inbox", "main", "ab-1"), ("domain", "other.example", 8))


ELSEWHERE = a_catalogue(("domain", "other.example", 8))
"""No resource has the name."""

Answer = Found[Catalogue] | Unknown | None


def asked(world: Observation, catalogue: Answer = TREE) -> Observation:
    """Return what a reconcile has read that also asked for the account's resources."""
    return replace(world, catalogue=catalogue)


def named(*resources: Resource, bound: tuple[BoundResource, ...] = (), **parts: Any) -> ApiToken:
    """Return an object with these resources; `bound` is what its status says that names stand for."""
    status = parts.pop("status", a_status()).model_copy(update={"resources": bound})
    return an_api_token(resources=resources or (NAMED,), status=status, **parts)


UNUSED = named(status=WIPED, finalizers=())
"""A new object."""
