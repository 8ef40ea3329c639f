"""snooze's arguments: the schedule of the looks (snooze(1))."""

import getopt
import hashlib
import re
import shlex

from s6gen.errors import Fatal

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
DURATIONS = {f"-{letter}" for letter in "TRJs"}
PATTERN = re.compile(r"[0-9*/,-]+")
DURATION = re.compile(r"[0-9]+[mhd]?")


def slots(seed: str, timefile: str, *, every_hour: bool) -> tuple[str, ...]:
    """A look every hour, or twice a day, at a second of its own that follows from seed.

    Slack is one period, so that a missed look is made up for and no older one is (snooze: -s).
    """
    digest = hashlib.sha256(seed.encode("utf-8", "surrogateescape")).digest()
    hour, minute, second = digest[0] % 12, digest[1] % 60, digest[2] % 60
    hours, slack = ("*", "1h") if every_hour else (f"{hour},{hour + 12}", "12h")
    return (
        "-H",
        hours,
        "-M",
        str(minute),
        "-S",
        str(second),
        "-s",
        slack,
        "-t",
        timefile,
    )


def parse(text: str) -> tuple[str, ...]:
    """The words of raw arguments, which must be options of snooze that can work."""
    try:
        words = shlex.split(text)
        options, rest = getopt.getopt(words, "D:W:H:M:S:T:R:J:d:m:ns:t:vw:")
    except (ValueError, getopt.GetoptError) as error:
        raise Fatal(f"--snooze: {error}") from None
    if rest:
        raise Fatal(f"--snooze: not an option of snooze: {rest[0]!r}")
    for name, value in options:
        check(name, value)
    return tuple(words)


def validator(_: object, attribute: object, text: str) -> None:  # noqa: ARG001 (attrs' signature)
    """Refuse raw arguments that cannot work."""
    parse(text)


def check(name: str, value: str) -> None:
    """Refuse an argument with which snooze would end at once."""
    if name == "-n":
        raise Fatal("--snooze: -n only prints times: leave it out")
    if name in HIGHEST:
        if not PATTERN.fullmatch(value):
            raise Fatal(f"--snooze: {name}: must be digits and * / , -: {value!r}")
        if any(int(number) > HIGHEST[name] for number in re.findall(r"[0-9]+", value)):
            raise Fatal(f"--snooze: {name}: goes up to {HIGHEST[name]}: {value!r}")
    if name in DURATIONS and not DURATION.fullmatch(value):
        raise Fatal(
            f"--snooze: {name}: must be a number, then m, h, d or nothing: {value!r}"
        )
    if name == "-t" and not value.startswith("/"):
        raise Fatal(f"--snooze: -t: must be an absolute path: {value!r}")


def timefile(arguments: tuple[str, ...]) -> str | None:
    """The file of option -t, which whoever runs snooze has to touch."""
    options, _ = getopt.getopt(list(arguments), "D:W:H:M:S:T:R:J:d:m:ns:t:vw:")
    return dict(options).get("-t")
