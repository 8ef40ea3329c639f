"""Warnings of values that s6-supervise or s6-rc will not take as they were meant."""

import re
from collections.abc import Iterator

from s6gen.finding import Finding
from s6gen.rules.definitions import at
from s6gen.service import LONGRUN, Service, milliseconds, number, read
from s6gen.service_set import ServiceSet

NUMBERS = ("notification-fd", "lock-fd", "timeout-kill", "timeout-finish", "max-death-tally")
TIMEOUTS = ("timeout-up", "timeout-down", "timeout-kill", "timeout-finish")
MAX_DEATH_TALLY = 4096
"""s6-supervise keeps no more (S6_MAX_DEATH_TALLY)."""


def descriptor_too_low(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """notification-fd and lock-fd are above stdin, stdout and stderr (s6-rc-compile warns)."""
    for file in ("notification-fd", "lock-fd") if service.type == LONGRUN else ():
        value = number(read(service.definition, file))
        if value is not None and value < 3:
            yield at(service, file, f"{value} is {STANDARD[value]}; write 3 or another free one", 1)


STANDARD = ("stdin", "stdout", "stderr")


def timeout_in_seconds(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """A timeout is in milliseconds (s6-rc-compile: For atomic services; s6: servicedir)."""
    for file in TIMEOUTS:
        if file not in service.definition.entries:
            continue
        content = read(service.definition, file)
        supervised = file in NUMBERS
        if supervised and service.type != LONGRUN:
            continue
        value = number(content) if supervised else milliseconds(content)
        if value is not None and 0 < value < 100:
            yield at(
                service, file, f"{value} milliseconds; write {value}000 if seconds are meant", 1
            )


def death_tally_clipped(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """max-death-tally is at most 4096 (s6: servicedir)."""
    if service.type == LONGRUN and "max-death-tally" in service.definition.entries:
        value = number(read(service.definition, "max-death-tally"))
        if value is not None and value > MAX_DEATH_TALLY:
            yield at(
                service, "max-death-tally", f"{value} is taken as {MAX_DEATH_TALLY}; write that", 1
            )


def unknown_signal(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """down-signal and reload-signal hold a signal's name or number (s6: servicedir)."""
    import signal

    for file in ("down-signal", "reload-signal"):
        content = read(service.definition, file) if service.type == LONGRUN else None
        if not isinstance(content, bytes):
            continue
        text = content.partition(b"\n")[0].decode(errors="replace")
        names = {one.name for one in signal.Signals}
        if (
            not re.fullmatch("[0-9]+", text)
            and "SIG" + text.upper().removeprefix("SIG") not in names
        ):
            yield at(service, file, f"{text!r} is no signal; write a name like SIGTERM", 1)


def text_after_number(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """Only the number counts: the first line, eleven bytes of it (s6rc_read_uint)."""
    for file in NUMBERS if service.type == LONGRUN else ():
        content = read(service.definition, file)
        if isinstance(content, bytes) and number(content) is not None:
            first, _, rest = content.partition(b"\n")
            if rest.strip() or len(first) > 11 or b"\0" in first:
                yield at(service, file, f"only {number(content)} is read of it; remove the rest", 1)
