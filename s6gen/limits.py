"""Limits of what a process takes: for git, and for the expansion of own templates."""

import resource


def limit_process(name: str, value: int) -> None:
    """Lower a limit of this process, such as "RLIMIT_DATA" (setrlimit(2)).

    One that is lower already stays. A system that lacks this one, or that refuses it,
    as macOS does for the size of the memory, goes without: the clock still counts.
    """
    kind = getattr(resource, name, None)
    if kind is None:
        return
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):
        return
