"""What can go wrong with a local cluster, in words for the person who started it."""


class ClusterError(Exception):
    """The cluster could not be built, started or found; the message says why and what to do."""


class PortTakenError(ClusterError):
    """Another process took the port first; a new attempt on another port may succeed."""


class KubectlError(Exception):
    """`kubectl` failed; the message is what it wrote to its standard error."""


class HelmError(Exception):
    """`helm` failed; the message is what it wrote to its standard error."""
