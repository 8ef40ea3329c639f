"""A source that a stranger wrote: what its links lead to counts, and is never shown."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, S6GEN, call

SECRET = "s3cret"
"""A word, a name, and a number of the machine."""
FORMATS = (
    ["check", "s"],
    ["check", "s", "--format", "json"],
    ["check", "s", "--format", "github"],
    ["check", "s", "--format", "gitlab"],
    ["check", "--layer", "layer", "s"],
    ["graph", "s"],
    ["graph", "s", "--format", "mermaid"],
)
CONTENTS = {
    "type": f"{SECRET}\n",
    "contents": f"{SECRET}\n{SECRET}2\n",
    "dependencies": f"{SECRET}\n",
    "producer-for": f"{SECRET}\n",
    "consumer-for": f"{SECRET}\n",
    "pipeline-name": f"{SECRET}\n",
    "run": f"#!{SECRET} {SECRET} {SECRET}\n{SECRET} ${{{SECRET}}} '{SECRET} x'\ns6-log -d 73411\n",
    "up": f"{SECRET} ${{{SECRET}}} {{ {SECRET}\n",
    "down": f"/s/one/{SECRET}\n",
    "finish": f"#!/bin/execlineb\n{SECRET} ${{{SECRET}}}\nsource {SECRET}\n",
    "timeout-up": f"{SECRET}\n",
    "timeout-kill": "73411 x\n",
    "notification-fd": f"{SECRET}\n",
    "lock-fd": "73411\n",
    "down-signal": f"{SECRET}\n",
    "max-death-tally": "73411\n",
}
FOLDERS = ("contents.d", "dependencies.d", "data", "env", "template")
TYPES = ("oneshot", "longrun", "bundle")


def put(path: Path, content: str) -> None:
    """Write a file, and the directories that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def service(source: Path, type_: str) -> Path:
    """A definition that compiles."""
    directory = source / "one"
    put(directory / "type", f"{type_}\n")
    if type_ == "bundle":
        (directory / "contents.d").mkdir()
    put(directory / {"oneshot": "up", "longrun": "run", "bundle": ".keep"}[type_], "")
    return directory


def replace(path: Path, target: str) -> None:
    """Put a link in the place of whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def refuse_shown(directory: Path) -> int:
    """Run every command, none of which must show the secret; return their number."""
    for command in FORMATS:
        code, out, err = call(*command, cwd=directory, S3CRET_NAME=SECRET)
        assert code in (0, 1, 100), err
        shown = out + err
        assert SECRET not in shown, (command, shown)
        assert "73411" not in shown, (command, shown)
    return len(FORMATS)


@pytest.mark.parametrize("type_", TYPES)
def test_no_content_is_shown(type_: str, tmp_path: Path) -> None:
    attempts = 0
    for number, (name, content) in enumerate(CONTENTS.items()):
        top = tmp_path / str(number)
        put(top / "secret", content)
        (top / "layer").mkdir()
        directory = service(top / "s", type_)
        replace(directory / name, "../../secret")
        attempts += refuse_shown(top)
    assert attempts == len(CONTENTS) * len(FORMATS)


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("name", FOLDERS)
def test_no_name_is_shown(type_: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "secrets" / SECRET).mkdir(parents=True)
    (tmp_path / "layer").mkdir()
    directory = service(tmp_path / "s", type_)
    replace(directory / name, str(tmp_path / "secrets"))
    refuse_shown(tmp_path)


@pytest.mark.parametrize("type_", TYPES)
def test_no_definition_elsewhere_is_shown(type_: str, tmp_path: Path) -> None:
    (tmp_path / "layer/x/y").mkdir(parents=True)
    directory = service(tmp_path / "away", type_)
    for name, content in CONTENTS.items():
        if not (directory / name).exists():
            put(directory / name, content)
    put(directory / SECRET, SECRET)
    put(directory / f"{SECRET}.d/x", SECRET)
    service(tmp_path / "s", "oneshot")
    (tmp_path / "s/two").symlink_to("../away/one")
    (tmp_path / "layer/s").symlink_to("../away")
    refuse_shown(tmp_path)


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/proc/self/environ", "/proc/self/cmdline", "/etc/group"]
)
def test_files_of_the_machine(target: str, tmp_path: Path) -> None:
    words = set(Path("/etc/passwd").read_text().split("\n")[0].split(":")) - {
        "",
        "0",
        "x",
    }
    for name in CONTENTS:
        for type_ in TYPES:
            shutil.rmtree(tmp_path / "s", ignore_errors=True)
            directory = service(tmp_path / "s", type_)
            replace(directory / name, target)
            code, out, err = call("check", "s", cwd=tmp_path, S3CRET=SECRET)
            assert code in (0, 1)
            assert SECRET not in out + err
            assert not any(f"{word}:" in out + err for word in words)


def test_the_verdict_is_that_of_s6_rc_compile(tmp_path: Path) -> None:
    """Links to elsewhere are legitimate: on a running machine many are absolute."""
    put(tmp_path / "away/run", "#!/bin/sh\nexec sleep 1\n")
    (tmp_path / "away/run").chmod(0o755)
    put(tmp_path / "away/type", "longrun\n")
    put(tmp_path / "away/deps/two", "")
    one = tmp_path / "s/one"
    one.mkdir(parents=True)
    for name, target in (("run", "run"), ("type", "type"), ("dependencies.d", "deps")):
        (one / name).symlink_to(tmp_path / "away" / target)
    put(tmp_path / "s/two/type", "oneshot\n")
    put(tmp_path / "s/two/up", "true\n")

    assert call("check", "s", cwd=tmp_path) == (0, "", "")
    code, out, _ = call("graph", "s", cwd=tmp_path)
    assert (code, '"one" -> "two"' in out) == (0, True)
    put(tmp_path / "away/type", "longrum\n")
    code, out, _ = call("check", "s", cwd=tmp_path)
    assert code == 1
    assert out.startswith("s/one/type:1: error: a link leads out of the source")
    assert "[type-is-known]" in out


def test_links_inside_are_shown_in_full(tmp_path: Path) -> None:
    directory = service(tmp_path / "s", "longrun")
    put(tmp_path / "s/.shared/dependencies", "no-such\n")
    (directory / "dependencies").symlink_to("../.shared/dependencies")

    code, out, _ = call("check", "s", cwd=tmp_path)

    assert code == 1
    assert "no-such" in out


def test_what_both_sources_of_the_user_have_is_shown(tmp_path: Path) -> None:
    directory = service(tmp_path / "s", "longrun")
    put(tmp_path / "t/.shared/dependencies", "no-such\n")
    (directory / "dependencies").symlink_to("../../t/.shared/dependencies")

    assert "no-such" in call("check", "s", "t", cwd=tmp_path)[1]
    assert "no-such" not in call("check", "s", cwd=tmp_path)[1]


def test_nothing_is_written_and_no_template_of_others_opened(tmp_path: Path) -> None:
    """By strace: all that is opened for writing is below the repository."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    top = tmp_path / "repository"
    secret = tmp_path / "secret"
    put(secret, SECRET)
    certificate = '[[certificate]]\npage = "example"\ndomain = "example.org"\n'
    put(top / "s6gen.toml", f'templates = "t"\n{certificate}')
    (top / "t").mkdir()
    (top / "t/run").symlink_to(secret)
    service(top / "sv", "longrun")
    (top / "sv/.s6gen").symlink_to(secret)
    commands = (
        *(["render"], ["render", "--check"], ["render", "--diff"], ["config"]),
        *(["templates"], ["check", "sv"], ["graph", "sv"]),
        ["render", "--templates", ".", "--prune"],
    )
    for command in commands:
        log = tmp_path / "log"
        trace = ["strace", "-f", "-qq", "-e", "trace=open,openat,creat", "-o", str(log)]
        subprocess.run(
            [*trace, *S6GEN, *command],
            cwd=top,
            env=ENVIRONMENT | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            timeout=60,
        )
        for line in log.read_text(errors="replace").splitlines():
            assert str(secret) not in line, (command, line)
            if "O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line:
                path = line.split('"')[1]
                is_harmless = path.startswith(("/dev/null", "/dev/tty"))
                assert not path.startswith("/") or is_harmless, (command, line)


@pytest.mark.parametrize("name", [*CONTENTS, *FOLDERS])
def test_what_git_keeps_in_the_source_is_not_shown(name: str, tmp_path: Path) -> None:
    """Where the whole repository is the source: a checkout in CI has a token there."""
    top = tmp_path / "s"
    put(top / ".git/config", CONTENTS.get(name, SECRET))
    (top / ".git" / SECRET).mkdir()
    (tmp_path / "layer").mkdir()
    for type_ in TYPES:
        directory = service(top, type_)
        replace(directory / name, "../.git" if name in FOLDERS else "../.git/config")
        refuse_shown(tmp_path)
        shutil.rmtree(directory)
