"""What a stranger wrote ends in bounded time and memory, with one line and no bug."""

import os
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, S6GEN, call

pytestmark = pytest.mark.slow
"""What is without an end takes its time until a limit ends it."""

CERTIFICATE = '[[certificate]]\npage = "example"\ndomain = "example.org"\n'
SECONDS = 240
"""Generous: what is not bounded takes hours."""
MEMORY = 2 << 30


def bounded(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Run s6gen with a limit on its memory; fail if it takes long."""
    begin = time.monotonic()
    done = subprocess.run(
        [*S6GEN, *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
        timeout=SECONDS * 4,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert time.monotonic() - begin < SECONDS
    return done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr)


def many(line: str, count: int) -> str:
    """A line with each number in it."""
    return "".join(line.format(number=number) for number in range(count))


TOML = {
    "deep": "a = " + "[" * 100_000,
    "deep and closed": "a = " + "[" * 100_000 + "]" * 100_000,
    "tables": "a = " + "{ a = " * 100_000,
    "dots": ".".join("a" * 100_000) + " = 1\n",
    "header": "[" + ".".join("a" * 100_000) + "]\n",
    "quoted dots": ".".join(['"a"'] * 100_000) + " = 1\n",
    "blanks": " . ".join("a" * 100_000) + " = 1\n",
    "large": "#" + "x" * 100_000_000,
    "keys": many("k{number} = 1\n", 300_000),
    "certificates": "[[certificate]]\n" * 250_000,
    "wrong certificates": "[[certificate]]\n" * 9_000,
    "hosts": many("[host.h{number}]\n", 200_000),
    "digits": "a = " + "9" * 4_000_000,
    "quotes": 'a = """' + '"" ' * 1_000_000,
    "no quotes": 'x\\"""\n' * 600_000,
    "defaults": "[defaults]\n" + many("k{number} = 1\n", 200_000) + CERTIFICATE * 1000,
    "deploy": "[defaults]\ndeploy = [" + '"nginx",' * 100_000 + "]\n" + CERTIFICATE,
    "domains": '[[certificate]]\npage = "a"\ndomain = ['
    + many('"e{number}.example.org",', 140_000)
    + "]\n",
    "long key": "x" * 4_000_000 + " = 1\n",
    "long value": f"{CERTIFICATE}contact = '{'x' * 4_000_000}'\n",
}


@pytest.mark.parametrize("kind", TOML)
def test_a_file_without_end(kind: str, tmp_path: Path) -> None:
    """At most a hundred lines, and one that says how many more."""
    (tmp_path / "s6gen.toml").write_text(TOML[kind])

    code, out, err = bounded("render", cwd=tmp_path)

    assert (code, out) == (100, ""), err[:1000]
    assert 1 <= err.count("\n") <= 101
    assert len(err) < 500_000
    assert "Traceback" not in err


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/tty", "/proc/kmsg", "fifo"])
def test_a_file_that_is_none(target: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "s6gen.toml").symlink_to(target)

    code, out, err = bounded("render", "--config", "s6gen.toml", cwd=tmp_path)

    assert code in (100, 111)
    assert (out, err.count("\n")) == ("", 1)


def sparse(path: Path, size: int) -> None:
    """Make a file of that size, which takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def huge_record(top: Path) -> None:
    sparse(top / "sv/.s6gen", 5 << 30)


def long_record(top: Path) -> None:
    (top / "sv/.s6gen").write_text(many("0" * 64 + "  a/{number}\n", 900_000))


def many_digests(top: Path) -> None:
    digests = (f"{number:064x}" for number in range(600_000))
    (top / "sv/.s6gen").write_text("".join(f"{digest}  a/b\n" for digest in digests))


def many_origins(top: Path) -> None:
    (top / "sv/.s6gen").write_text(many("# a {number} 0123456789abcdef\n", 600_000))


def huge_files(top: Path) -> None:
    lines = many("0" * 64 + "  a/{number}\n", 200)
    (top / "sv/.s6gen").write_text(lines)
    for number in range(200):
        sparse(top / f"sv/a/{number}", (5 << 30) if number % 2 else (16 << 20))


def huge_edit(top: Path) -> None:
    sparse(top / "sv/renew-lets-encrypt-example-srv/run", 5 << 30)


def many_entries(top: Path) -> None:
    for number in range(100_001):
        (top / f"sv/{number}").touch()


def deep_service(top: Path) -> None:
    directory = top / "sv/renew-lets-encrypt-example-srv"
    directory.mkdir()
    for _ in range(34):
        directory = directory / "/".join("d" * 50)
        directory.mkdir(parents=True)


def deep_stage(top: Path) -> None:
    directory = top / "sv/.s6gen-new"
    directory.mkdir()
    for _ in range(34):
        directory = directory / "/".join("d" * 50)
        directory.mkdir(parents=True)


def endless_stage(top: Path) -> None:
    os.mkfifo(top / "sv/.s6gen-new")


def many_hosts(top: Path) -> None:
    for number in range(1000):
        (top / f"sv/h{number}").mkdir()
        (top / f"sv/h{number}/.s6gen").write_text(f"# host h{number}\n")
        sparse(top / f"sv/h{number}/.s6gen", 60 << 20)


OUTPUTS: tuple[Callable[[Path], None], ...] = (
    *(huge_record, long_record, huge_files, huge_edit, many_entries),
    *(deep_service, deep_stage, endless_stage, many_hosts),
    *(many_digests, many_origins),
)


@pytest.mark.parametrize("kind", OUTPUTS, ids=lambda kind: kind.__name__)
def test_an_output_without_end(kind: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "s6gen.toml").write_text(CERTIFICATE)
    (tmp_path / "sv").mkdir()
    kind(tmp_path)
    for arguments in (["--check"], ["--diff"], []):
        code, out, err = bounded("render", *arguments, cwd=tmp_path)
        assert code in (0, 1, 100, 111)
        assert "bug" not in err
        assert "Traceback" not in err
        assert len(out) + len(err) < 200_000_000
    # pytest itself cannot remove what is so deep.
    subprocess.run(["rm", "-rf", tmp_path / "sv"], check=True)


def put(directory: Path, **contents: str) -> None:
    """Write a service definition directory."""
    directory.mkdir(parents=True)
    for name, content in contents.items():
        (directory / name.replace("_", "-")).write_text(content)


def quotes(top: Path) -> None:
    put(top / "a", type="oneshot\n", up="'a " * 300_000)


def blocks(top: Path) -> None:
    script = "{ " * 2800 + "a " * 2800 + "} " * 2800
    for number in range(600):
        put(top / f"a{number}", type="oneshot\n", up=script, down=script)


def names(top: Path) -> None:
    for number in range(60):
        put(top / f"a{number}", type="oneshot\n", up="", dependencies=NAMES)


NAMES = many("{number}\n", 150_000)


def spelling(top: Path) -> None:
    unknown = f"{'x' * 255}\n{'x' * 60}\n"
    put(top / "a", type="oneshot\n", up="", dependencies=unknown)
    for number in range(20_000):
        length = 200 if number % 2 else 55
        put(top / f"{'x' * length}{number:05}", type="oneshot\n", up="")


def pipelines(top: Path) -> None:
    for number in range(3000):
        lists = {"consumer_for": f"p{number - 1}\n"} if number else {}
        put(top / f"p{number}", type="longrun\n", run="", producer_for="x\n", **lists)
        put(
            top / f"l{number}",
            type="longrun\n",
            run="",
            consumer_for="p2999\n",
            pipeline_name=f"q{number}\n",
        )


def bundles(top: Path) -> None:
    put(top / "s0", type="oneshot\n", up="")
    put(top / "b0", type="bundle\n", contents="s0\n")
    for number in range(1, 5000):
        put(top / f"s{number}", type="oneshot\n", up="")
        put(top / f"b{number}", type="bundle\n", contents=f"b{number - 1}\ns{number}\n")


def logger(top: Path) -> None:
    run = "#!/bin/sh\ns6-log " + "-s6-log " * 120_000
    put(top / "a", type="longrun\n", run=run, consumer_for="b\n")


def unread(top: Path) -> None:
    put(top / "a", type="longrun\n", run="#!/bin/sh\n" + "a" * 1_000_000)
    for number in range(5000):
        (top / "a" / ("a" * 100 + str(number))).touch()


def cycles(top: Path) -> None:
    for number in range(2000):
        others = "".join(f"s{(number + step) % 2000}\n" for step in range(1, 100))
        put(top / f"s{number}", type="oneshot\n", up="", dependencies=others)


def findings(top: Path) -> None:
    for number in range(12_000):
        put(top / f"s{number}", type="x\n")


SOURCES: tuple[Callable[[Path], None], ...] = (
    *(quotes, blocks, names, spelling, pipelines, bundles, logger, unread),
    *(cycles, findings),
)


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.__name__)
def test_a_source_without_end(kind: Callable[[Path], None], tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.mkdir()
    kind(source)
    commands = (
        *(["check", "s"], ["check", "s", "--format", "json"]),
        *(["graph", "s"], ["graph", "s", "--format", "mermaid"]),
    )
    for command in commands:
        code, out, err = bounded(*command, cwd=tmp_path)
        assert code in (0, 1, 100), err
        assert err.count("\n") <= 1
        assert out.count("\n") < 100_000 or command != ["check", "s"]


def test_of_very_many_findings_the_first_are_shown(tmp_path: Path) -> None:
    findings(tmp_path / "s")

    code, out, _ = call("check", "s", cwd=tmp_path)

    assert (code, out.count("\n")) == (1, 10_001)
    assert "more findings are not shown" in out.splitlines()[-1]


def test_a_drawing_without_end_is_ended(tmp_path: Path) -> None:
    """Graphviz is killed; here one stands in for it that never ends."""
    put(tmp_path / "s/a", type="oneshot\n", up="")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dot").write_text("#!/bin/sh\nexec sleep 1000\n")
    (tmp_path / "bin/dot").chmod(0o755)
    code = (
        "from s6gen.commands import graph; graph.SECONDS = 1; "
        "from s6gen.cli import run; raise SystemExit(run(['graph', 's', '--format', 'svg']))"
    )
    done = subprocess.run(
        [S6GEN[0], "-c", code],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 100
    assert done.stderr.count("\n") == 1
    assert "dot takes more than 1 seconds" in done.stderr


def test_what_has_no_limit_of_its_own_ends_by_the_clock() -> None:
    """All else ends when it has taken so much CPU time."""
    code = (
        "from s6gen import cli; cli.SECONDS = 1\n"
        "def loop(*_, **__):\n    while True: pass\n"
        "cli.s6gen.main = loop\nraise SystemExit(cli.run([]))"
    )
    done = subprocess.run(
        [S6GEN[0], "-c", code],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stderr.count("\n")) == (100, 1)
    assert "seconds of CPU time" in done.stderr
