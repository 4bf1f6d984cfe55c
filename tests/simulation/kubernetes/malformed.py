"""What is raised where a body is read: the answer depends on the request that it came with."""


class MalformedError(Exception):
    """A value of a type that the API does not admit there."""
