"""Edits by hand, and branches: what is merged, and what is refused."""

import subprocess
from pathlib import Path

import pytest
from support.command import call
from support.program import require
from support.site import ONE, RUN, TWO, commit, contents, edit, git, rendered_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return rendered_site(tmp_path)


def test_an_edit_is_merged_again_and_again(site: Path) -> None:
    run = site / "sv" / RUN
    edit(run, "execline-umask 022", "execline-umask 022\n# mine")
    commit(site)
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')

    code, out, err = call("render", "--merge", cwd=site)

    assert (code, err) == (0, "")
    assert f"merged     {RUN}\n" in out
    assert "created    renew-lets-encrypt-example-srv/.run.s6gen\n" in out
    assert "\n# mine\n" in run.read_text()
    assert "\ns6-setuidgid acme\n" in run.read_text()
    pristine = run.with_name(".run.s6gen").read_text()
    assert pristine == run.read_text().replace("# mine\n", "")
    # What was rendered is in no commit now, but beside the file.
    # An edit that was merged once is known, and needs no flag any more.
    (site / "s6gen.toml").write_text(ONE + 'user = "certs"\n')
    assert call("render", "--check", cwd=site)[0] == 1
    assert call("render", cwd=site)[0] == 0
    assert "\n# mine\n" in run.read_text()
    assert "\ns6-setuidgid certs\n" in run.read_text()
    assert call("render", cwd=site) == (0, "", "")
    assert call("render", "--check", cwd=site) == (0, "", "")
    # Once the edit is gone, so is what it needed.
    edit(run, "# mine\n", "")
    assert call("render", cwd=site)[1] == (
        "removed    renew-lets-encrypt-example-srv/.run.s6gen\n"
    )
    assert call("render", "--check", cwd=site) == (0, "", "")


def test_an_edit_that_collides_is_refused_and_kept(site: Path) -> None:
    run = site / "sv" / RUN
    edit(run, "s6-setuidgid tls", "s6-setuidgid mine")
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')
    before = contents(site)

    code, out, err = call("render", "--merge", cwd=site)

    assert (code, out) == (100, "")
    assert err == (
        f"s6gen: fatal: {RUN}: edited by hand; parameters changed: "
        "both change the same lines: --force drops the edit; make it anew, then --merge\n"
    )
    assert contents(site) == before


def test_a_collision_is_solved_by_making_the_edit_anew(site: Path) -> None:
    run = site / "sv" / RUN
    edit(run, "s6-setuidgid tls", "s6-setuidgid mine")
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')
    call("render", "--force", cwd=site)
    edit(run, "s6-setuidgid acme", "s6-setuidgid mine")

    assert call("render", "--merge", cwd=site)[::2] == (0, "")
    assert "\ns6-setuidgid mine\n" in run.read_text()
    assert call("render", "--check", cwd=site) == (0, "", "")


def test_a_hook_of_git_may_merge(site: Path) -> None:
    """git sets variables for its hooks that lead other gits astray."""
    edit(site / "sv" / RUN, "execline-umask 022", "execline-umask 022\n# mine")
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')

    assert call("render", "--merge", cwd=site, GIT_DIR=".git")[::2] == (0, "")


def test_without_a_repository_nothing_is_known(tmp_path: Path) -> None:
    require("git")
    (tmp_path / "s6gen.toml").write_text(ONE)
    call("render", cwd=tmp_path)
    edit(tmp_path / "sv" / RUN, "execline-umask 022", "execline-umask 022\n# mine")
    (tmp_path / "s6gen.toml").write_text(ONE + 'user = "acme"\n')

    code, _, err = call("render", "--merge", cwd=tmp_path)

    assert code == 100
    assert err.startswith(
        f"s6gen: fatal: sv/{RUN}: git cannot tell what was rendered last: fatal:"
    )


def test_an_edit_of_what_nobody_committed_cannot_be_merged(site: Path) -> None:
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')
    call("render", cwd=site)
    edit(site / "sv" / RUN, "execline-umask 022", "execline-umask 027")
    (site / "s6gen.toml").write_text(ONE + 'user = "certs"\n')

    code, _, err = call("render", "--merge", cwd=site)

    assert code == 100
    assert err.endswith(
        ": git has no copy of what was rendered last: --force drops the edit\n"
    )


def test_an_edit_of_a_file_that_is_no_longer_rendered(site: Path) -> None:
    (site / "s6gen.toml").write_text(ONE + 'deploy = "nginx"\n')
    call("render", cwd=site)
    commit(site)
    edit(
        site / "sv/renew-lets-encrypt-example-srv/data/copy", "execline-umask", "# x\n#"
    )
    (site / "s6gen.toml").write_text(ONE)

    code, _, err = call("render", "--merge", cwd=site)

    assert code == 100
    assert err == (
        "s6gen: fatal: renew-lets-encrypt-example-srv/data/copy: edited by hand: "
        "no longer rendered: --force removes it\n"
    )


@pytest.mark.parametrize(
    ("page", "changed"),
    [
        pytest.param("blog", "", id="far apart"),
        pytest.param(
            "site", "updated    renew-lets-encrypt-log/consumer-for\n", id="neighbours"
        ),
    ],
)
def test_two_branches_merge(site: Path, page: str, changed: str) -> None:
    """Each adds a certificate; the record of both is the union of its lines."""
    (site / ".gitattributes").write_text("sv/.s6gen merge=union\n")
    commit(site)
    other = f'\n[[certificate]]\npage = "{page}"\ndomain = "{page}.example.org"\n'
    git(site, "checkout", "-q", "-b", "other")
    (site / "s6gen.toml").write_text(ONE + other)
    call("render", cwd=site)
    commit(site)
    git(site, "checkout", "-q", "-")
    (site / "s6gen.toml").write_text(TWO)
    call("render", cwd=site)
    commit(site)
    merge = [
        "git",
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "merge",
        "other",
    ]
    subprocess.run(merge, cwd=site, capture_output=True, check=False)
    conflicts = git(site, "diff", "--name-only", "--diff-filter=U").split()
    assert "sv/.s6gen" not in conflicts

    git(site, "checkout", "--ours", "--", *conflicts)
    (site / "s6gen.toml").write_text(TWO + other)

    assert call("render", cwd=site) == (0, changed, "")
    record = (site / "sv/.s6gen").read_text()
    assert record.count("  renew-lets-encrypt-log/consumer-for\n") == 1
    assert call("render", "--check", cwd=site) == (0, "", "")
