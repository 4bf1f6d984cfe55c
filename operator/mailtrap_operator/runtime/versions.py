"""Which of two resourceVersions of one kind is the later one."""


def is_newer(version: str, known: str | None) -> bool:
    """Whether a resourceVersion is later than a known one; Kubernetes counts them up."""
    if known is None or not (version.isdecimal() and known.isdecimal()):
        return version != known
    return int(version) > int(known)
