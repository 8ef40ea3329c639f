"""Warnings of values that s6-supervise or s6-rc take for something else."""

from collections.abc import Iterator

from s6gen.check.finding import Finding, file_finding
from s6gen.sources.service import (
    UINT_FMT,
    Service,
    content_of,
    milliseconds,
    number,
    readable_content,
)
from s6gen.sources.service_set import ServiceSet

MAX_DEATH_TALLY = 4096
"""s6-supervise remembers no more deaths (S6_MAX_DEATH_TALLY)."""
STANDARD = ("stdin", "stdout", "stderr")


def descriptor_too_low(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No descriptor is stdin, stdout or stderr (s6-rc-compile warns of it)."""
    value = number(readable_content(service.definition, file))
    if value is not None and value < len(STANDARD):
        yield file_finding(
            service,
            file,
            f"{value} is {STANDARD[value]}; write 3 or another free one",
            1,
        )


def timeout_in_seconds(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A timeout is in milliseconds (s6-rc-compile; s6: servicedir)."""
    content = readable_content(service.definition, file)
    if file in ("timeout-up", "timeout-down"):
        value = milliseconds(content)
    else:
        value = number(content)
    if value is not None and 0 < value < 100:
        yield file_finding(
            service,
            file,
            f"{value} milliseconds; write {value}000 if seconds are meant",
            1,
        )


def death_tally_clipped(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """max-death-tally is 4096 at most (s6: servicedir)."""
    value = number(readable_content(service.definition, file))
    if value is not None and value > MAX_DEATH_TALLY:
        message = f"{value} is taken as {MAX_DEATH_TALLY}; write that"
        yield file_finding(service, file, message, 1)


def unknown_signal(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A signal has a name or a number (s6: servicedir, down-signal)."""
    import signal  # here, as importing it takes time and few services need it

    content = content_of(service.definition, file)
    if not isinstance(content, bytes):
        return
    text = content.partition(b"\n")[0].decode(errors="replace")
    # s6-supervise takes a name with or without SIG, in any case.
    names = {known.name for known in signal.Signals}
    name = "SIG" + text.upper().removeprefix("SIG")
    if not text.isdigit() and name not in names:
        message = f"{text!r} is no signal; write a name like SIGTERM"
        yield file_finding(service, file, message, 1)


def text_after_number(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """Nothing follows a number: only the first line counts (s6rc_read_uint)."""
    content = readable_content(service.definition, file)
    value = number(content)
    if value is not None and has_rest(content):
        message = f"only {value} is read of it; remove the rest"
        yield file_finding(service, file, message, 1)


def has_rest(content: bytes) -> bool:
    """Tell whether something follows a number, other than white space."""
    first_line, _, rest = content.partition(b"\n")
    is_long = len(first_line) > UINT_FMT
    return is_long or b"\0" in first_line or rest.strip() != b""
