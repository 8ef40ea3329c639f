"""A clock that runs as fast as the tests like: for a CA, and for the client's runs.

It stands in memory that forked processes share. Nobody waits: who would sleep advances it.
"""

import math
import mmap
import os
import random
import signal
import struct
import time

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86400.0, 604800.0
BEGIN = 1893456000.0
"""2030-01-01: later than all that the client knows of itself."""
NEVER = math.inf


class SharedClock:
    """The true time, and the moment at which the client's run gets a signal."""

    LAYOUT = struct.Struct("=ddqq")

    def __init__(self, trouble: float) -> None:
        """Trouble lasts for so many seconds from now."""
        self.trouble_ends = BEGIN + trouble
        self.memory = mmap.mmap(-1, self.LAYOUT.size)
        self.store(BEGIN, NEVER, 0, 0)

    def store(self, now: float, moment: float, run: int, number: int) -> None:
        """Set all: the time, and at which moment which process gets which signal."""
        self.LAYOUT.pack_into(self.memory, 0, now, moment, run, number)

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        now: float = self.LAYOUT.unpack_from(self.memory)[0]
        return now

    def begin_run(self, moment: float, number: int) -> None:
        """This process is the client's run; it gets a signal at a moment."""
        self.store(self.now, moment, os.getpid(), number)

    def end_run(self) -> None:
        """No signal any more: there is no run to get it."""
        self.store(self.now, NEVER, 0, 0)

    def kill_run(self) -> None:
        """Kill the run, if there is one."""
        run: int = self.LAYOUT.unpack_from(self.memory)[2]
        if run:
            os.kill(run, signal.SIGKILL)

    def advance(self, seconds: float) -> None:
        """Let time pass; on the way the run may get its signal, and time stops there."""
        now, moment, run, number = self.LAYOUT.unpack_from(self.memory)
        if moment <= now + seconds:
            self.store(moment, NEVER, run, 0)
            os.kill(run, number)
        else:
            self.store(now + seconds, moment, run, number)


class MachineTime:
    """What `time` and the timer of `signal` are for one run of the client."""

    def __init__(self, clock: SharedClock, ahead: float) -> None:
        """The machine's clock is ahead of the true time by so many seconds."""
        self.clock = clock
        self.ahead = ahead
        self.alarm = NEVER
        self.interval = 0.0

    def install(self, seed: int) -> None:
        """Put it in the place of the real ones, in this process; dice fall alike each time."""
        random.seed(seed)
        time.time = self.time
        time.monotonic = self.monotonic
        time.sleep = self.sleep  # type: ignore[assignment]
        signal.setitimer = self.setitimer  # type: ignore[assignment]

    def time(self) -> float:
        """What the machine takes for the time."""
        return self.clock.now + self.ahead

    def monotonic(self) -> float:
        """The seconds that pass are right on every machine."""
        self.ring()
        return self.clock.now

    def sleep(self, seconds: float) -> None:
        """Sleep until an alarm, or until a signal, and then on."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.advance(min(end, self.alarm) - self.clock.now)
            self.ring()

    def setitimer(self, _: int, seconds: float, interval: float = 0.0) -> None:
        """Set the alarm (setitimer(2))."""
        self.alarm = self.clock.now + seconds if seconds else NEVER
        self.interval = interval

    def ring(self) -> None:
        """Raise the alarm if it is time."""
        if self.clock.now >= self.alarm:
            self.alarm = self.clock.now + self.interval if self.interval else NEVER
            signal.raise_signal(signal.SIGALRM)
