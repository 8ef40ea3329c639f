"""Until when nothing is due: stored for the hourly run."""

from __future__ import annotations

import contextlib
import time

from ..messages import Fatal
from ..options import Options
from ..state.state_file import StateFile
from .schedule import (
    DAY,
    InstalledChain,
    check_begin,
    check_clock,
    idle_until,
    is_clock_doubtful,
    next_run,
)


def idle_time(
    options: Options, memory: StateFile, chain: InstalledChain, offset: float
) -> float:
    """Return until when nothing is due, by this machine's clock; 0 if it is due now.

    The offset is what the CA's clock is ahead; where it is wrong nothing holds for
    long. Raises Fatal for a clock that cannot be right.
    """
    now = time.time()
    check_clock(now)
    if options.force or is_clock_doubtful(chain, now + offset):
        return 0
    check_begin(chain, now + offset)
    attempt = next_run(memory.state, options.relevant_options(), now)
    if attempt:
        attempt += offset
    until = idle_until(chain, memory.state, now + offset, attempt) - offset
    if offset:
        until = min(until, now + DAY)
    return until if now < until else 0


def save_idle_time(memory: StateFile, until: float) -> None:
    """Store until when nothing is due, for the hourly run.

    Without it, the next run takes longer, and comes to the same end.
    """
    with contextlib.suppress(OSError, Fatal):
        memory.save(time.time(), until)
