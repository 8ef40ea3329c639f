"""Each warning: a source that deserves it, and one like it that does not."""

import pytest
from support.trees import Files, bundle, in_memory, longrun, oneshot, pipeline, service

from s6gen.check.warnings import WARNINGS, warnings
from s6gen.sources.service_set import service_set

SH = "#!/bin/sh\n"
EX = "#!/bin/execlineb -P\n"


def warnings_of(files: Files) -> list[tuple[str, int, str]]:
    """The warnings of a source: path, line, name."""
    return [
        (finding.path, finding.line, finding.rule)
        for finding in warnings(service_set([in_memory(files)]))
    ]


def run(script: str, **files: str) -> dict[str, str]:
    """A longrun with this script."""
    return longrun("a", script, **files)


def producer(script: str) -> dict[str, str]:
    """A pipeline whose producer is this script."""
    return pipeline("p", script)


GOOD = {
    "execline": producer(EX + "fdmove -c 2 1\nfdmove 1 3\ndaemon\n"),
    "shell": producer(SH + "exec 2>&1\nexec daemon --log=- 3>&1\n"),
    "with-contenv": producer("#!/usr/bin/with-contenv bash\nexec 2>&1\nexec daemon\n"),
    "a redirected child": producer(SH + "exec 2>&1\nid www >/dev/null\nexec daemon\n"),
    "a redirection in a block": producer(
        EX + "fdmove -c 2 1\nif { redirfd -w 1 /dev/null id www }\ndaemon\n"
    ),
    "a binary": {**longrun("a"), "a/run": b"\x7fELF\0\0"},
    "env with one name": run("#!/usr/bin/env python3\n"),
    "env -S": run("#!/usr/bin/env -S python3 -u\n"),
    "a shell that traps": run(SH + "trap 'kill $!' TERM\ndaemon & wait $!\n"),
    "notification": run(EX + "fdmove 1 3\ndaemon\n", notification_fd="3\n"),
    "s6-notifyoncheck": run(EX + "s6-notifyoncheck\ndaemon\n", notification_fd="5\n"),
    "blocks": oneshot(
        "a", "foreground { echo }\nif -n { echo }\nifelse { a } { b }\nc { }\n"
    ),
    "empty blocks": oneshot("a", "foreground { }\nif -t { a { b } }\n"),
    "a variable": oneshot("a", "importas -u FOO FOO\nforeground { echo ${FOO} $1 }\n"),
    "a variable for the shell": oneshot("a", 'sh -c "echo $FOO && date"\n'),
    "a command with lines": oneshot(
        "a", "if {\n  mkdir\n    -p\n    /run/x\n}\nchmod 1 x\n"
    ),
    "a comment that names a shell": oneshot(
        "a", "#!/bin/sh\n# all of it:\n/usr/libexec/a start\n"
    ),
    "execline under a shell's name": oneshot("a", "#!/bin/sh\nif { a }\nb\n"),
    "a quote in quotes": oneshot("a", "sh -c \"echo 'a b'\"\n"),
    "a script elsewhere": oneshot("a", "/etc/s6-rc/scripts/a\n"),
    "a script here": oneshot("a", "/etc/src/a/run\n") | {"a/run": SH},
    "its helpers": oneshot("a", "/etc/src/a/x.sh\n") | {"a/x.sh": SH, "a/y.sh": SH},
    "quoted braces": run(EX + 'importas b b\necho "{a" ${b} {} "b}"\n'),
    "remarks and dot files": longrun("a")
    | {"a/README": "", "a/.keep": "", "a/x.md": ""},
    "a convention": {f"{name}/logdir": "" for name in "abc"}
    | longrun("a")
    | longrun("b")
    | longrun("c"),
    "instances": longrun("a") | {"a/instances/x": ""},
    "timeouts": longrun(
        "a", timeout_up="5000\n", timeout_kill="0\n", max_death_tally="10\n"
    ),
    "signals": longrun("a", down_signal="SIGQUIT\n") | longrun("b", down_signal="15\n"),
    "a name with a dot and an at": oneshot("getty@tty1") | oneshot("a.b_c-D"),
    "an empty bundle on purpose": bundle("x") | {"x/contents.d/.gitkeep": ""},
    "bundles": oneshot("a", dependencies="b\n") | oneshot("b") | bundle("x", "a"),
    "no bundles": oneshot("a") | oneshot("b"),
    "an intermediate consumer": longrun("m", EX + "fdmove -c 2 1\nfilter\n"),
}


@pytest.mark.parametrize("files", GOOD.values(), ids=GOOD)
def test_quiet(files: Files) -> None:
    assert warnings_of(files) == []


A_RUN = "src/a/run"
A_UP = "src/a/up"
P_RUN = "src/p/run"
Y = oneshot("y")
BAD = [
    (
        "stdout-redirected",
        P_RUN,
        3,
        producer(EX + "fdmove -c 2 1\nredirfd -w 1 /x\ndaemon\n"),
    ),
    ("stdout-redirected", P_RUN, 2, producer(EX + "fdmove -c 1 2\ndaemon\n")),
    (
        "stdout-redirected",
        P_RUN,
        3,
        producer(SH + "exec 2>&1\nexec daemon >/var/log/x\n"),
    ),
    ("stdout-redirected", P_RUN, 2, producer(SH + "exec daemon >/dev/null 2>&1\n")),
    ("stdout-redirected", P_RUN, 2, producer(SH + "exec daemon &>> /var/log/x\n")),
    ("stderr-not-logged", P_RUN, 0, producer(EX + "daemon\n")),
    ("stderr-not-logged", P_RUN, 0, producer(SH + "exec daemon\n")),
    (
        "roles-swapped",
        "src/p-log/producer-for",
        1,
        longrun("p", consumer_for="p-log\n")
        | longrun("p-log", SH + "exec 2>&1 x\n", producer_for="p\n"),
    ),
    (
        "logger-without-readiness",
        "src/a/notification-fd",
        0,
        run(EX + "s6-setuidgid log\ns6-log -b -d3 t /x\n"),
    ),
    (
        "logger-without-readiness",
        "src/l/notification-fd",
        0,
        longrun("p", EX + "fdmove -c 2 1\nx\n", producer_for="l\n")
        | longrun("l", EX + "s6-log t /x\n", consumer_for="p\n"),
    ),
    (
        "consumer-of-nothing",
        "src/a/consumer-for",
        0,
        longrun("a", consumer_for="# none\n"),
    ),
    ("no-shebang", A_RUN, 1, run("# start it\nexec daemon\n")),
    ("no-shebang", A_RUN, 1, run("")),
    ("no-shebang", "src/a/finish", 1, longrun("a", finish="true\n")),
    ("interpreter-not-absolute", A_RUN, 1, run("#!execlineb -P\nx\n")),
    ("carriage-return", A_RUN, 1, run("#!/bin/zsh\r\nexec x\n")),
    ("env-with-arguments", A_RUN, 1, run("#!/usr/bin/env execlineb -P\nx\n")),
    ("script-not-lexed", A_RUN, 2, run(EX + "if { x\n")),
    ("shell-stays", A_RUN, 0, run(SH + "daemon -f\n")),
    ("run-in-background", A_RUN, 2, run(SH + "exec daemon &\n")),
    (
        "notification-never-written",
        "src/a/notification-fd",
        0,
        run(EX + "daemon\n", notification_fd="3\n"),
    ),
    ("block-missing", A_UP, 1, oneshot("a", "foreground echo x\n")),
    ("block-missing", A_UP, 2, oneshot("a", "if { a }\nif -n b\n")),
    ("block-missing", A_RUN, 2, run(EX + "background\n")),
    ("glued-brace", A_UP, 1, oneshot("a", "y {test -e x\n")),
    ("glued-brace", A_RUN, 2, run(EX + "echo a}\n")),
    ("variable-not-imported", A_UP, 1, oneshot("a", "echo ${FOO} $FOO\n")),
    ("variable-not-imported", A_RUN, 3, run(EX + "importas A A\necho $A $B\n")),
    (
        "next-line-is-an-argument",
        A_UP,
        2,
        oneshot("a", "mkdir -p /x\nchown y /x\nrm z\n"),
    ),
    (
        "shell-syntax",
        A_UP,
        2,
        oneshot("a", "#!/bin/sh\ny x || exit 1\n"),
    ),
    ("shell-syntax", A_UP, 1, oneshot("a", "echo 1 > /proc/x\n")),
    ("shell-syntax", A_UP, 2, oneshot("a", "#!/bin/sh\nFOO=bar\n")),
    ("shell-syntax", A_UP, 1, oneshot("a", "echo $(date)\n")),
    ("shell-script", A_UP, 1, oneshot("a", "#!/bin/bash\nset -e\ndo-it now\n")),
    ("single-quotes", A_UP, 1, oneshot("a", "printf 'a b'\n")),
    ("null-character", A_UP, 2, oneshot("a", "\necho\0 rest\n")),
    ("script-missing", A_UP, 1, oneshot("a", "/etc/src/a/run\n")),
    (
        "script-missing",
        A_UP,
        1,
        oneshot("a", "/etc/src/a/x.sh\n") | {"a/x.sh": "true\n"},
    ),
    ("misspelt-file", "src/a/notification-id", 0, longrun("a", notification_id="3\n")),
    ("misspelt-file", "src/a/dependancies", 0, longrun("a", dependancies="b\n")),
    ("misspelt-file", "src/a/depenendcies", 0, longrun("a", depenendcies="b\n")),
    ("misspelt-file", "src/a/produces-for", 0, longrun("a", produces_for="b\n")),
    (
        "misspelt-file",
        "src/a/Dependencies.d",
        0,
        longrun("a") | {"a/Dependencies.d/b": ""},
    ),
    (
        "misspelt-file",
        "src/x/content.d",
        0,
        service("x", "bundle", contents="y\n") | Y | {"x/content.d/y": ""},
    ),
    ("file-of-another-type", "src/a/run", 0, oneshot("a", run=SH)),
    ("file-of-another-type", "src/a/up", 0, longrun("a", up="x\n")),
    (
        "file-of-another-type",
        "src/x/dependencies",
        0,
        bundle("x", "y") | Y | {"x/dependencies": "y\n"},
    ),
    ("down-in-longrun", "src/a/down", 0, longrun("a", down="")),
    ("log-directory", "src/a/log", 0, longrun("a") | {"a/log/run": SH}),
    (
        "list-beside-directory",
        "src/a/dependencies",
        0,
        oneshot("a", dependencies="b\n") | {"a/dependencies.d/b": ""} | oneshot("b"),
    ),
    (
        "pipeline-name-ignored",
        "src/a/pipeline-name",
        0,
        longrun("a", pipeline_name="p\n"),
    ),
    ("file-too-new", "src/a/reload", 0, oneshot("a", reload="x\n")),
    ("file-not-copied", A_RUN, 2, run(SH + "exec ./daemon.sh\n") | {"a/daemon.sh": SH}),
    ("unread-file", "src/a/daemon.conf", 0, longrun("a") | {"a/daemon.conf": ""}),
    ("descriptor-too-low", "src/a/lock-fd", 1, longrun("a", lock_fd="2\n")),
    ("timeout-in-seconds", "src/a/timeout-up", 1, oneshot("a", timeout_up="30\n")),
    (
        "timeout-in-seconds",
        "src/a/timeout-finish",
        1,
        longrun("a", timeout_finish="5\n"),
    ),
    (
        "death-tally-clipped",
        "src/a/max-death-tally",
        1,
        longrun("a", max_death_tally="5000\n"),
    ),
    ("unknown-signal", "src/a/down-signal", 1, longrun("a", down_signal="SIGQIUT\n")),
    (
        "text-after-number",
        "src/a/timeout-kill",
        1,
        longrun("a", timeout_kill="500\n# ms\n"),
    ),
    ("odd-name", "src/a b", 0, oneshot("a b")),
    ("odd-name", "src/-a", 0, oneshot("-a")),
    (
        "blank-at-end",
        "src/p-log/pipeline-name",
        1,
        pipeline("p") | {"p-log/pipeline-name": "pp \n"},
    ),
    (
        "services-in-no-bundle",
        "src/c",
        0,
        bundle("x", "a") | oneshot("a") | oneshot("c"),
    ),
]


@pytest.mark.parametrize(
    ("name", "path", "line", "files"),
    BAD,
    ids=[f"{case[0]} {number}" for number, case in enumerate(BAD)],
)
def test_warned_of(name: str, path: str, line: int, files: Files) -> None:
    assert warnings_of(files) == [(path, line, name)]


def test_no_word_more_about_what_is_an_error() -> None:
    files = (
        oneshot("a", dependencies="b \n")
        | {"x/type": "bundle\n"}
        | longrun("l")
        | {"l/consumer-for/p": ""}
    )

    assert warnings_of(files) == []


DISK = (
    "relative-link",
    "empty-bundle",
    "empty-source",
    "lost-in-git",
    "too-many-services",
)
"""Warned of where memory holds no links, no empty directories, or not that many services."""


def test_every_warning_is_tried() -> None:
    assert {case[0] for case in BAD} | set(DISK) == WARNINGS
