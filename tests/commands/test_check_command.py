"""s6gen check as a user meets it: exit codes, what is printed, layers, hostile trees."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, S6GEN, call
from support.trees import bundle, longrun, on_disk, oneshot, pipeline

BROKEN = oneshot("a", dependencies="nework\n", timeout_up="5\n") | oneshot(
    "network", "}\n"
)


def test_says_nothing_when_nothing_is_wrong(tmp_path: Path) -> None:
    on_disk(pipeline("p"), tmp_path / "src")

    assert call("check", "src", cwd=tmp_path) == (0, "", "")


def test_errors_first_then_warnings(tmp_path: Path) -> None:
    on_disk(BROKEN, tmp_path / "src")

    assert call("check", "src/", cwd=tmp_path) == (
        1,
        "src/network/up:1: error: unmatched }; remove it, or open a block with a { that stands "
        "alone [scripts-are-lexed]\n"
        "src/a/dependencies:1: error: 'nework' is not defined; did you mean network? "
        "[names-are-defined]\n"
        "src/a/timeout-up:1: warning: 5 milliseconds; write 5000 if seconds are meant "
        "[timeout-in-seconds]\n",
        "",
    )


def test_warnings_count_when_strict_and_go_when_ignored(tmp_path: Path) -> None:
    on_disk(oneshot("a", timeout_up="5\n"), tmp_path / "src")
    line = (
        "src/a/timeout-up:1: warning: 5 milliseconds; write 5000 if seconds are meant "
        "[timeout-in-seconds]\n"
    )

    assert call("check", "src", cwd=tmp_path) == (0, line, "")
    assert call("check", "--strict", "src", cwd=tmp_path) == (1, line, "")
    ignore = ("--ignore", "timeout-in-seconds")
    assert call("check", "--strict", *ignore, "src", cwd=tmp_path) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "missing argument 'SRC...'", id="no source"),
        pytest.param(
            ["--ignore", "x", "src"],
            "--ignore x: no such warning; s6gen-check(1) lists them",
            id="unknown warning",
        ),
        pytest.param(
            ["--s6-rc", "latest", "src"],
            "--s6-rc latest: not a version; write it as 0.6.1.1",
            id="no version",
        ),
        pytest.param(
            ["--s6-rc", "0.4", "src"],
            "--s6-rc 0.4: the oldest release s6gen knows is 0.5.4.0",
            id="too old",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, tmp_path: Path) -> None:
    on_disk(oneshot("a"), tmp_path / "src")

    assert call("check", *arguments, cwd=tmp_path) == (
        100,
        "",
        f"s6gen: fatal: {message}\n",
    )


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    assert call("check", "src", cwd=tmp_path) == (
        1,
        "src:1: error: cannot be opened: No such file or directory; name a source directory "
        "[sources-can-be-opened]\n",
        "",
    )


def test_names_that_the_locale_lacks(tmp_path: Path) -> None:
    on_disk(oneshot("é", "}"), tmp_path / "s")
    done = subprocess.run(
        [*S6GEN, "check", "s"],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout.partition(b":")[0]) == (1, b"s/\\xe9/up")


def test_a_service_is_no_source(tmp_path: Path) -> None:
    on_disk(oneshot("a"), tmp_path / "src")

    assert call("check", "src/a", cwd=tmp_path) == (
        0,
        "src/a:1: warning: is a service definition directory; name the directory that it is in "
        "[empty-source]\n",
        "",
    )


def test_json_for_programs(tmp_path: Path) -> None:
    on_disk(
        oneshot("a", timeout_up="5\n", down="echo { x }\n") | bundle("x", "a"),
        tmp_path / "s",
    )
    code, out, _ = call("check", "--format", "json", "s", cwd=tmp_path)

    assert code == 0
    assert json.loads(out) == {
        "findings": [
            {
                "path": "s/a/timeout-up",
                "line": 1,
                "severity": "warning",
                "rule": "timeout-in-seconds",
                "message": "5 milliseconds; write 5000 if seconds are meant",
            }
        ],
        "db": {
            "services": {
                "a": {
                    "type": "oneshot",
                    "dependencies": ["s6rc-oneshot-runner"],
                    "timeout-up": 5,
                    "up": ["true"],
                    "down": ["echo", " x", ""],
                },
                "s6rc-fdholder": {
                    "type": "longrun",
                    "dependencies": [],
                    "flags": "00000001",
                },
                "s6rc-oneshot-runner": {
                    "type": "longrun",
                    "dependencies": [],
                    "flags": "00000001",
                },
            },
            "bundles": {"x": ["a"]},
        },
    }


def test_json_of_what_is_wrong_has_no_database(tmp_path: Path) -> None:
    on_disk(oneshot("a", "}"), tmp_path / "s")
    code, out, _ = call("check", "--format", "json", "s", cwd=tmp_path)

    assert (code, json.loads(out)["db"]) == (1, None)


def test_annotations_for_github(tmp_path: Path) -> None:
    on_disk(BROKEN, tmp_path / "a,b")

    assert call("check", "--format", "github", "a,b", cwd=tmp_path)[1].splitlines()[
        ::2
    ] == [
        "::error file=a%2Cb/network/up,title=scripts-are-lexed,line=1::unmatched }; remove it, or "
        "open a block with a { that stands alone",
        "::warning file=a%2Cb/a/timeout-up,title=timeout-in-seconds,line=1::5 milliseconds; write "
        "5000 if seconds are meant",
    ]


def test_a_report_for_gitlab(tmp_path: Path) -> None:
    on_disk(BROKEN, tmp_path / "src")
    findings = json.loads(call("check", "--format", "gitlab", "src", cwd=tmp_path)[1])

    assert len({finding.pop("fingerprint") for finding in findings}) == 3
    assert findings[0] == {
        "description": "unmatched }; remove it, or open a block with a { that stands alone",
        "check_name": "scripts-are-lexed",
        "severity": "critical",
        "location": {"path": "src/network/up", "lines": {"begin": 1}},
    }


def terminal(arguments: list[str], cwd: Path, **environment: str) -> str:
    """What a command shows on a terminal."""
    own, theirs = pty.openpty()
    with os.fdopen(own, "rb", buffering=0) as shown:
        with os.fdopen(theirs, "wb", buffering=0) as out:
            subprocess.run(
                [*S6GEN, *arguments],
                cwd=cwd,
                env=ENVIRONMENT | environment,
                stdout=out,
                check=False,
            )
        return shown.read(4096).decode()


def test_colour_on_a_terminal_only(tmp_path: Path) -> None:
    on_disk(oneshot("a", timeout_up="5\n"), tmp_path / "s")

    assert terminal(["check", "s"], tmp_path).startswith(
        "\033[1ms/a/timeout-up:1\033[0m: \033[1;33mwarning\033[0m: 5 milli"
    )
    assert terminal(["check", "s"], tmp_path, NO_COLOR="1").startswith(
        "s/a/timeout-up:1: warning:"
    )


APP = {
    **{f"svc/dependencies.d/{name}": "" for name in ("base", "init-config")},
    **longrun("svc"),
    "user/contents.d/svc": "",
    "init-end/dependencies.d/svc": "",
}
LOWER = oneshot("init-config") | oneshot("init-end", dependencies="init-config\n")


def test_layers_lie_beneath(tmp_path: Path) -> None:
    on_disk(APP, tmp_path / "app/root/etc/s6-overlay/s6-rc.d")
    on_disk(LOWER, tmp_path / "lower/root/etc/s6-overlay/s6-rc.d")
    on_disk(LOWER, tmp_path / "plain")
    source = "app/root/etc/s6-overlay/s6-rc.d"

    alone = call("check", source, cwd=tmp_path)
    assert (alone[0], alone[1].count("\n")) == (1, 1)
    assert (
        "nothing here defines init-config and there is no type in init-end;" in alone[1]
    )
    assert call("check", "--layer", "lower/root", source, cwd=tmp_path) == (0, "", "")
    assert call("check", "--layer", "plain", source, cwd=tmp_path) == (0, "", "")
    assert call("check", "--given", "init-config,init-end", source, cwd=tmp_path) == (
        0,
        "",
        "",
    )


def test_s6_overlay_is_recognised_or_told(tmp_path: Path) -> None:
    on_disk(longrun("svc", dependencies="base\n"), tmp_path / "services")

    assert call("check", "services", cwd=tmp_path)[0] == 1
    assert call("check", "--s6-overlay", "services", cwd=tmp_path) == (0, "", "")
    on_disk({"user/contents.d/svc": ""}, tmp_path / "services")
    assert call("check", "services", cwd=tmp_path) == (0, "", "")
    assert call("check", "--no-s6-overlay", "services", cwd=tmp_path)[0] == 1


def test_releases_differ(tmp_path: Path) -> None:
    on_disk(oneshot("a", reload="}\n"), tmp_path / "s")

    assert call("check", "--strict", "--s6-rc", "0.7", "s", cwd=tmp_path)[0] == 1
    assert call("check", "s", cwd=tmp_path) == (
        0,
        "s/a/reload:1: warning: is ignored by s6-rc 0.6.1.1: it is read from 0.7.0.0 on; remove "
        "it, or check with --s6-rc 0.7.0.0 [file-too-new]\n",
        "",
    )


def test_what_only_a_disk_has(tmp_path: Path) -> None:
    on_disk(
        longrun("a")
        | bundle("x")
        | bundle("y", "a")
        | {"x/contents.d/": "", "y/contents.d/b/": "", "shared/": ""}
        | oneshot("b"),
        tmp_path / "s",
    )
    (tmp_path / "s/shared").rmdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "s/a/data").symlink_to("../../shared")

    assert call("check", "s", cwd=tmp_path) == (
        0,
        "s/a/data:1: warning: the link to ../../shared is copied as it is and leads nowhere at run "
        "time; make it a directory, or the link absolute [relative-link]\n"
        "s/x/contents.d:1: warning: is empty: git does not keep it, and a clone will not compile; "
        "put a .gitkeep there [empty-bundle]\n"
        "s/y/contents.d/b:1: warning: is an empty directory, which git does not keep; make it an "
        "empty file [lost-in-git]\n",
        "",
    )


def test_a_warning_for_more_services_than_the_stack_holds(tmp_path: Path) -> None:
    for number in range(8200):
        (tmp_path / f"s/s{number}").mkdir(parents=True)
        (tmp_path / f"s/s{number}/type").write_text("oneshot\n")
        (tmp_path / f"s/s{number}/up").write_text("")

    assert call("check", "s", cwd=tmp_path) == (
        0,
        "s:1: warning: s6-rc-compile needs 8 MiB of stack for 8200 services; raise the limit with "
        "ulimit -s [too-many-services]\n",
        "",
    )


def test_hostile_files_neither_hang_nor_crash(tmp_path: Path) -> None:
    source = on_disk(longrun("a") | oneshot("b") | longrun("c"), tmp_path / "s")
    for name in ("type", "run"):
        (source / "a" / name).unlink()
        os.mkfifo(source / "a" / name)
    (source / "b/up").unlink()
    (source / "b/up").symlink_to("up")
    (source / "b/timeout-up").symlink_to("/dev/zero")
    os.mkfifo(source / "c/notification-fd")
    (source / "c/data").symlink_to("data")
    with (source / "c/dependencies").open("wb") as file:
        file.truncate(5 << 30)
    (source / "loop").symlink_to("loop")
    (source / os.fsdecode(b"\xff\x1b[31m")).mkdir()
    code, out, err = call("check", "s", cwd=tmp_path)

    assert (code, err) == (1, "")
    assert sorted(line.split(": ")[0] for line in out.splitlines()) == [
        "s/\\0xff\\0x1b[31m/type:1",
        "s/a/type:1",
        "s/b/timeout-up:1",
        "s/b/up:1",
        "s/c/data:1",
        "s/c/dependencies:1",
        "s/c/notification-fd:1",
        "s/loop:1",
    ]


def test_a_directory_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    for number in range(100_001):
        path = tmp_path / "s" / str(number)
        file = path.with_name(str(number - number % 50_000))
        if path == file:
            file.touch()
        else:
            path.hardlink_to(file)  # quicker than 100,001 files

    assert call("check", "s", cwd=tmp_path) == (
        1,
        "",
        "s6gen: fatal: s: more than 100000 entries: this is no source directory\n",
    )


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_unreadable_files(tmp_path: Path) -> None:
    source = on_disk(oneshot("a"), tmp_path / "s")
    (source / "a/up").chmod(0)

    assert call("check", "s", cwd=tmp_path)[:2] == (
        1,
        "s/a/up:1: error: cannot be read: Permission denied; replace it by a readable file or "
        "directory, or remove it [scripts-are-lexed]\n",
    )


def test_what_render_writes_is_what_check_takes(tmp_path: Path) -> None:
    site = ("--page", "example", "--domain", "example.org")
    call("render", *site, "-o", "sv", cwd=tmp_path)

    assert call(
        "check", "--strict", "--given", "mount,networking", "sv", cwd=tmp_path
    ) == (
        0,
        "",
        "",
    )


def test_starts_without_what_only_others_need(tmp_path: Path) -> None:
    on_disk(oneshot("a"), tmp_path / "s")
    program = (
        "import sys; from s6gen.cli import run; code = run(['check', 's']); "
        "print(code, sorted({'jinja2', 'attrs', 'acme', 'json', 'difflib'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )

    assert done.stdout == b"0 []\n"
