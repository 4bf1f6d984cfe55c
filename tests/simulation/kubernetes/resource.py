"""The names under which one kind of objects is known."""

from dataclasses import dataclass

from tests.simulation.kubernetes.malformed import MalformedError


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of objects; `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    is_namespaced: bool

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def suffix(self) -> str:
        """What follows a name that is to be unique among all groups."""
        return f".{self.group}" if self.group else ""

    @property
    def qualified(self) -> str:
        """The name in most messages."""
        return f"{self.plural}{self.suffix}"

    @property
    def qualified_kind(self) -> str:
        """The name in messages about what is wrong with an object."""
        return f"{self.kind}{self.suffix}"

    def check_type(self, body: object) -> None:
        """See that a body is an object, and of this kind if it says so; raises `MalformedError`."""
        if not isinstance(body, dict):
            raise MalformedError(f"a {self.kind} must be an object")
        for name, wanted in (("kind", self.kind), ("apiVersion", self.api_version)):
            if body.get(name) not in (None, "", wanted):
                raise MalformedError(f"{name} must be {wanted}")
