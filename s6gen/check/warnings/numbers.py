"""Warnings of values that s6-supervise or s6-rc will not take as they were meant."""

from collections.abc import Iterator

from s6gen.check.errors.definitions import at
from s6gen.check.finding import Finding
from s6gen.sources.service import Service, milliseconds, number, read
from s6gen.sources.service_set import ServiceSet

MAX_DEATH_TALLY = 4096
"""No more is kept by s6-supervise (S6_MAX_DEATH_TALLY)."""
STANDARD = ("stdin", "stdout", "stderr")


def descriptor_too_low(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No notification-fd or lock-fd is stdin, stdout or stderr (s6-rc-compile warns)."""
    value = number(read(service.definition, file))
    if value is not None and value < 3:
        yield at(
            service,
            file,
            f"{value} is {STANDARD[value]}; write 3 or another free one",
            1,
        )


def timeout_in_seconds(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A timeout is in milliseconds (s6-rc-compile: For atomic services; s6: servicedir)."""
    scan = milliseconds if file in ("timeout-up", "timeout-down") else number
    value = scan(read(service.definition, file))
    if value is not None and 0 < value < 100:
        yield at(
            service,
            file,
            f"{value} milliseconds; write {value}000 if seconds are meant",
            1,
        )


def death_tally_clipped(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """The most that max-death-tally can be is 4096 (s6: servicedir)."""
    value = number(read(service.definition, file))
    if value is not None and value > MAX_DEATH_TALLY:
        yield at(service, file, f"{value} is taken as {MAX_DEATH_TALLY}; write that", 1)


def unknown_signal(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A signal's name or number is in down-signal and reload-signal (s6: servicedir)."""
    import signal

    content = read(service.definition, file)
    if not isinstance(content, bytes):
        return
    text = content.partition(b"\n")[0].decode(errors="replace")
    names = {one.name for one in signal.Signals}
    if not text.isdigit() and "SIG" + text.upper().removeprefix("SIG") not in names:
        yield at(service, file, f"{text!r} is no signal; write a name like SIGTERM", 1)


def text_after_number(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """Only the number counts: the first line, eleven bytes of it (s6rc_read_uint)."""
    content = read(service.definition, file)
    if isinstance(content, bytes) and (value := number(content)) is not None:
        first, _, rest = content.partition(b"\n")
        if rest.strip() or len(first) > 11 or b"\0" in first:
            yield at(service, file, f"only {value} is read of it; remove the rest", 1)
