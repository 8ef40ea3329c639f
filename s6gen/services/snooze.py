"""snooze's arguments: when the client is started (snooze(1))."""

import getopt
import hashlib
import re
import shlex

from s6gen.errors import Fatal

OPTIONS = "D:W:H:M:S:T:R:J:d:m:ns:t:vw:"
"""snooze's options, as getopt(3) has them."""
HIGHEST = {
    "-D": 366,
    "-W": 53,
    "-H": 23,
    "-M": 59,
    "-S": 59,
    "-d": 31,
    "-m": 12,
    "-w": 7,
}
"""The time fields, and what their numbers go up to (snooze: Options)."""
DURATIONS = {"-T", "-R", "-J", "-s"}
PATTERN = re.compile(r"[0-9*/,-]+")
DURATION = re.compile(r"[0-9]+[mhd]?")


def regular_arguments(seed: str, timefile: str, *, every_hour: bool) -> tuple[str, ...]:
    """Return the arguments for a start every hour, or twice a day.

    Minute, second and hour follow from the seed, so that not all start at once. Slack
    is one period: a missed start is made up for, and no older one (snooze: -s).
    """
    digest = hashlib.sha256(seed.encode("utf-8", "surrogateescape")).digest()
    if every_hour:
        hours = "*"
        slack = "1h"
    else:
        hour = digest[0] % 12
        hours = f"{hour},{hour + 12}"
        slack = "12h"
    time = ("-H", hours, "-M", str(digest[1] % 60), "-S", str(digest[2] % 60))
    return (*time, "-s", slack, "-t", timefile)


def parse_arguments(text: str) -> tuple[str, ...]:
    """Return the words of --snooze. Raises Fatal for what snooze would refuse."""
    try:
        words = shlex.split(text)
        options, rest = getopt.getopt(words, OPTIONS)
    except (ValueError, getopt.GetoptError) as error:
        raise Fatal(f"--snooze: {error}") from None
    if rest:
        raise Fatal(f"--snooze: not an option of snooze: {rest[0]!r}")
    for name, value in options:
        check_argument(name, value)
    return tuple(words)


def check_arguments(_: object, __: object, text: str) -> None:
    """Refuse arguments that snooze would refuse."""
    parse_arguments(text)


def check_argument(name: str, value: str) -> None:
    """Refuse an option with which snooze would end at once."""
    if name == "-n":
        raise Fatal("--snooze: -n only prints times: leave it out")
    if name in HIGHEST:
        check_time(name, value)
    elif name in DURATIONS:
        check_duration(name, value)
    elif name == "-t":
        check_timefile(value)


def check_time(name: str, value: str) -> None:
    """Refuse a time field that snooze cannot read, or that no time fits."""
    if not PATTERN.fullmatch(value):
        raise Fatal(f"--snooze: {name}: must be digits and * / , -: {value!r}")
    highest = HIGHEST[name]
    for number in re.findall(r"[0-9]+", value):
        if int(number) > highest:
            raise Fatal(f"--snooze: {name}: goes up to {highest}: {value!r}")


def check_duration(name: str, value: str) -> None:
    """Refuse a duration that snooze cannot read."""
    if not DURATION.fullmatch(value):
        raise Fatal(
            f"--snooze: {name}: must be a number, then m, h, d or nothing: {value!r}"
        )


def check_timefile(value: str) -> None:
    """Refuse a path that depends on the directory in which snooze is started."""
    if not value.startswith("/"):
        raise Fatal(f"--snooze: -t: must be an absolute path: {value!r}")


def timefile(arguments: tuple[str, ...]) -> str | None:
    """Return the file of option -t, which has to be touched after every run."""
    options, _ = getopt.getopt(list(arguments), OPTIONS)
    return dict(options).get("-t")
