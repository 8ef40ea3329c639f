"""A repository that was only cloned, or unpacked, runs nothing: whatever it makes git do.

Each kind of repository is shown to be dangerous first: a git that nobody holds back runs the
program. Then every command of s6gen has to leave it alone.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, S6GEN, call
from support.program import require
from support.site import ONE, RUN, commit, edit, git, rendered_site

COMMANDS = [
    ["render"],
    ["render", "--check"],
    ["render", "--diff"],
    ["render", "--merge"],
    ["render", "--check", "--merge"],
    ["render", "--diff", "--merge"],
    ["render", "--prune"],
    ["render", "--prune", "--merge"],
    ["render", "--force"],
    ["render", "--save", "--page", "b", "--domain", "b.example.org", "--merge"],
    ["render", "--page", "example", "--merge"],
    ["config"],
    ["check", "sv"],
    ["check", "--format", "json", "sv"],
    ["graph", "sv"],
    ["templates"],
    ["templates", "--templates", "own", "copy", "bundle/bundle/type"],
    ["presets"],
    ["init", "--config", "other.toml"],
]
DRIVERS = """
[core]
    fsmonitor = {program}
    hooksPath = {hooks}
    sshCommand = {program}
    editor = {program}
    pager = {program}
    gitProxy = {program}
    askPass = {program}
    alternateRefsCommand = {program}
    attributesFile = {attributes}
[diff]
    external = {program}
[diff "bad"]
    textconv = {program}
    command = {program}
[filter "bad"]
    clean = {program}
    smudge = {program}
    process = {program}
    required = true
[merge "bad"]
    driver = {program}
[merge]
    default = bad
[credential]
    helper = !{program}
[gpg]
    program = {program}
[log]
    showSignature = true
[uploadpack]
    packObjectsHook = {program}
[alias]
    cat-file = !{program}
    rev-parse = !{program}
    rev-list = !{program}
    merge-file = !{program}
[protocol "ext"]
    allow = always
"""
PROMISOR = """
[extensions]
    partialClone = origin
[remote "origin"]
    url = ext::{program}
    promisor = true
    partialCloneFilter = blob:none
[protocol "ext"]
    allow = always
"""
ATTRIBUTES = "* diff=bad merge=bad filter=bad\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a repository with an edited file: what was rendered last is in git alone."""
    site = rendered_site(tmp_path)
    edit(site / "sv" / RUN, "execline-umask 022", "execline-umask 022\n# mine")
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')
    return site


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Return the file that the stranger's program makes."""
    return tmp_path / "was-run"


@pytest.fixture
def program(tmp_path: Path, mark: Path) -> Path:
    """Return the stranger's program."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    return program


def add_config(directory: Path, text: str, program: Path) -> None:
    """Add to a configuration of git; it also names hooks and attributes."""
    hooks = program.with_name("hooks")
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "pre-auto-gc"):
        shutil.copy(program, hooks / name)
    attributes = program.with_name("attributes")
    attributes.write_text(ATTRIBUTES)
    values = {"program": program, "hooks": hooks, "attributes": attributes}
    with (directory / "config").open("a") as config:
        config.write(text.format(**values))


def drop_objects(objects: Path, kinds: str) -> None:
    """Remove the loose objects of some kinds, as in a partial clone."""
    for path in objects.glob("??/*"):
        name = path.parent.name + path.name
        shown = subprocess.run(
            ["git", "--git-dir", objects.parent, "cat-file", "-t", name],
            check=True,
            capture_output=True,
            text=True,
        )
        if shown.stdout.strip() in kinds:
            path.unlink()


def drivers(site: Path, program: Path) -> list[str]:
    """Let everything that git can be told to run be the stranger's program."""
    add_config(site / ".git", DRIVERS, program)
    (site / ".gitattributes").write_text(ATTRIBUTES)
    return ["status"]


def included_drivers(site: Path, program: Path) -> list[str]:
    """Put them into a file that the configuration includes."""
    included = site / "harmless"
    included.mkdir()
    add_config(included, DRIVERS, program)
    add_config(site / ".git", f"[include]\n\tpath = {included}/config\n", program)
    return ["status"]


def drivers_of_worktree(site: Path, program: Path) -> list[str]:
    """Lead git to another work tree, whose configuration names the program."""
    add_config(site / ".git", "[core]\n\tworktree = ../sv\n", program)
    add_config(site / ".git", DRIVERS, program)
    return ["status"]


def lazy_fetch(site: Path, program: Path) -> list[str]:
    """Let git fetch what is missing by a command."""
    commit_edit_of_another_file(site)
    drop_objects(site / ".git/objects", "blob")
    add_config(site / ".git", PROMISOR, program)
    return ["cat-file", "-p", f"HEAD:sv/{RUN}"]


def bare_in_output(site: Path, program: Path) -> list[str]:
    """Make the output directory a bare repository as well: plain files, that are cloned."""
    drop_objects(site / ".git/objects", "tree")
    for name in ("objects", "refs"):
        shutil.copytree(site / ".git" / name, site / "sv" / name)
    shutil.copy(site / ".git/HEAD", site / "sv/HEAD")
    add_config(site / "sv", "[core]\n\tbare = true\n", program)
    add_config(site / "sv", PROMISOR, program)
    shutil.rmtree(site / ".git")
    return ["-C", "sv", "rev-list", "HEAD", "--", RUN]


def git_file_in_output(site: Path, program: Path) -> list[str]:
    """Let a file .git, as a submodule has one, lead to another repository."""
    add_config(site / ".git", DRIVERS, program)
    (site / ".git").rename(site / "elsewhere")
    (site / "sv/.git").write_text("gitdir: ../elsewhere\n")
    return ["-C", "sv", "status"]


def commit_edit_of_another_file(site: Path) -> None:
    """Stage what is there, so that the index does not have what was rendered last."""
    git(site, "add", "-A")


Kind = Callable[[Path, Path], list[str]]
KINDS = [
    drivers,
    included_drivers,
    drivers_of_worktree,
    lazy_fetch,
    bare_in_output,
    git_file_in_output,
]


@pytest.mark.parametrize("make", KINDS)
def test_no_command_runs_what_a_repository_names(
    make: Kind, site: Path, program: Path, mark: Path, tmp_path: Path
) -> None:
    dangerous = make(site, program)
    subprocess.run(["git", *dangerous], cwd=site, capture_output=True, check=False)
    assert mark.exists(), "the repository is harmless: this test would show nothing"
    mark.unlink()

    for number, command in enumerate(COMMANDS):
        clone = tmp_path / f"clone-{number}"
        shutil.copytree(site, clone, symlinks=True)
        code, _, err = call(*command, cwd=clone, PATH=f"{clone}:{os.environ['PATH']}")

        assert not mark.exists(), command
        assert code in (0, 1, 100), (command, err)
        assert "Traceback" not in err


def test_what_the_repository_says_does_not_keep_a_merge_from_its_base(
    site: Path, program: Path, mark: Path
) -> None:
    drivers(site, program)

    code, out, err = call("render", "--merge", cwd=site)

    assert (code, err) == (0, "")
    assert f"merged     {RUN}\n" in out
    assert "\n# mine\n" in (site / "sv" / RUN).read_text()
    assert not mark.exists()


@pytest.fixture
def git_log(tmp_path: Path) -> Path:
    """Return the log of a git that writes down how it is called, and does nothing."""
    programs = tmp_path / "bin"
    programs.mkdir()
    log = tmp_path / "git.log"
    (programs / "git").write_text(f'#!/bin/sh\necho "$@" >>{log}\nexit 128\n')
    (programs / "git").chmod(0o755)
    return log


def test_git_is_asked_for_merge_alone(site: Path, git_log: Path) -> None:
    assert call("render", "--merge", cwd=site)[0] == 0
    # What was rendered last is no longer beside the file, nor rendered now.
    (site / "sv" / RUN).with_name(".run.s6gen").write_text("another\n")
    (site / "s6gen.toml").write_text(ONE + 'user = "certs"\n')
    path = f"{git_log.parent}/bin:{os.environ['PATH']}"
    for command in COMMANDS:
        call(*command, cwd=site, PATH=path)
        was_asked = git_log.exists()
        git_log.unlink(missing_ok=True)

        assert was_asked == ("--merge" in command), command
        site.joinpath("other.toml").unlink(missing_ok=True)
        if command == ["render", "--prune", "--merge"]:
            break  # what follows replaces the edit


def test_an_edit_that_is_known_is_merged_without_git(site: Path, git_log: Path) -> None:
    assert call("render", "--merge", cwd=site)[0] == 0
    (site / "s6gen.toml").write_text(ONE + 'user = "certs"\n')

    path = f"{git_log.parent}/bin:{os.environ['PATH']}"
    code, out, err = call("render", cwd=site, PATH=path)

    assert (code, err) == (0, "")
    assert f"merged     {RUN}\n" in out
    run = (site / "sv" / RUN).read_text()
    assert "\n# mine\n" in run
    assert "\ns6-setuidgid certs\n" in run
    assert not git_log.exists()


@pytest.mark.parametrize("lines", [["git config"], ["git config", "safe"]])
def test_a_repository_of_another_user_is_not_read(site: Path, lines: list[str]) -> None:
    """git itself refuses it, unless the user has said that it is safe."""
    if os.geteuid() != 0:
        pytest.skip("a file is given to another user: only root can")
    home = site.parent / "home"
    home.mkdir()
    if "safe" in lines:
        (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {site}\n")
    for path in (site, site / ".git"):
        os.chown(path, 65534, 65534)

    code, _, err = call("render", "--merge", cwd=site, HOME=str(home), SUDO_UID="0")

    if "safe" in lines:
        assert (code, err) == (0, "")
    else:
        assert code == 100
        assert "git cannot tell what was rendered last" in err
        assert err.count("\n") == 1


def in_worktree(site: Path) -> Path:
    """Check the repository out a second time (git-worktree(1))."""
    other = site.with_name("worktree")
    git(site, "worktree", "add", "-q", str(other), "HEAD")
    return other


def in_shallow_clone(site: Path) -> Path:
    """Clone the last commit alone."""
    other = site.with_name("shallow")
    git(site, "clone", "-q", "--depth=1", f"file://{site}", str(other))
    return other


def in_submodule(site: Path) -> Path:
    """Make the repository a part of another one."""
    above = site.with_name("above")
    above.mkdir()
    git(above, "init", "-q")
    allowed = ("-c", "protocol.file.allow=always")
    git(above, *allowed, "submodule", "--quiet", "add", str(site), "part")
    return above / "part"


def with_sha256(site: Path) -> Path:
    """Make a repository whose objects have longer names."""
    shutil.rmtree(site / ".git")
    git(site, "init", "-q", "--object-format=sha256")
    commit(site)
    return site


def with_index_alone(site: Path) -> Path:
    """Make a repository without a commit."""
    shutil.rmtree(site / ".git")
    git(site, "init", "-q")
    git(site, "add", "-A")
    return site


def with_packed_history(site: Path) -> Path:
    """Make the rendering an old one, and pack everything."""
    for number in range(5):
        (site / "sv" / RUN).write_text(f"{number}\n")
        commit(site)
    git(site, "gc", "-q")
    return site


@pytest.mark.parametrize(
    "make",
    [
        in_worktree,
        in_shallow_clone,
        in_submodule,
        with_sha256,
        with_index_alone,
        with_packed_history,
    ],
)
def test_what_was_rendered_is_found_in_every_kind_of_repository(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    site = make(rendered_site(tmp_path))
    rendered = (tmp_path / "site/sv" / RUN).read_text()
    if make is with_packed_history:
        rendered = git(site, "show", f"HEAD~5:sv/{RUN}")
    run = site / "sv" / RUN
    run.write_text(rendered.replace("execline-umask 022", "execline-umask 022\n# mine"))
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')

    code, _, err = call("render", "--merge", cwd=site)

    assert (code, err) == (0, "")
    assert "\n# mine\n" in run.read_text()
    assert "\ns6-setuidgid acme\n" in run.read_text()


def test_what_is_huge_in_the_history_is_passed_over(tmp_path: Path) -> None:
    site = rendered_site(tmp_path)
    run = site / "sv" / RUN
    rendered = run.read_bytes()
    run.write_bytes(rendered + b"\0" * (200 << 20))
    commit(site)
    edited = rendered.replace(b"execline-umask 022", b"execline-umask 022\n# mine")
    run.write_bytes(edited)
    commit(site)
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')

    assert call("render", "--merge", cwd=site)[::2] == (0, "")
    assert b"\n# mine\n" in run.read_bytes()


def test_a_git_that_hangs_is_ended(
    site: Path, git_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("git")
    from s6gen.errors import Exit, Fatal
    from s6gen.output import git as asked

    (git_log.parent / "bin/git").write_text("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setenv("PATH", f"{git_log.parent}/bin", prepend=os.pathsep)
    monkeypatch.setattr(asked, "MOST_SECONDS", 0.5)

    asked.end_of_git.cache_clear()
    try:
        with (
            pytest.raises(Fatal, match="git has not told within") as failure,
            asked.open_history(site / "sv", RUN),
        ):
            pass
    finally:
        asked.end_of_git.cache_clear()

    assert failure.value.code is Exit.TEMPORARY


def test_a_lower_limit_of_the_user_stays(site: Path) -> None:
    """Memory that the user has limited to less than git may take is no error."""
    limited = ["sh", "-c", 'ulimit -d 900000 && exec "$@"', "sh", *S6GEN]
    done = subprocess.run(
        [*limited, "render", "--merge"],
        cwd=site,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "# mine" in (site / "sv" / RUN).read_text()


def test_nothing_is_left_in_the_directory_for_temporary_files(
    site: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    assert call("render", "--merge", cwd=site, TMPDIR=str(temporary))[0] == 0
    assert list(temporary.iterdir()) == []
