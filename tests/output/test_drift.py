"""A committed tree against its configuration: check, diff, merge, prune."""

import subprocess
from pathlib import Path

import pytest
from support.checkout import checkout
from support.command import call
from support.program import require

ONE = '[[certificate]]\npage = "example"\ndomain = ["example.org"]\n'
TWO = ONE + '\n[[certificate]]\npage = "shop"\ndomain = "shop.example.org"\n'
RUN = "renew-lets-encrypt-example-srv/run"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository with one certificate, rendered and committed."""
    require("git")
    site = tmp_path / "site"
    site.mkdir()
    (site / "s6gen.toml").write_text(ONE)
    assert call("render", cwd=site)[0] == 0
    git(site, "init", "-q")
    commit(site)
    return site


def git(site: Path, *arguments: str) -> str:
    """What git says."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=site,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def commit(site: Path) -> None:
    """Commit all."""
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "x")


def edit(file: Path, old: str, new: str) -> None:
    """Change a file by hand."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def held(site: Path) -> dict[str, bytes]:
    """All files, but git's own."""
    return {
        str(path.relative_to(site)): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


def test_no_drift(site: Path) -> None:
    assert call("render", "--check", cwd=site) == (0, "", "")
    assert call("render", "--diff", cwd=site) == (0, "", "")


def test_each_reason_is_told_and_nothing_touched(site: Path) -> None:
    sv = site / "sv"
    edit(sv / RUN, "fdmove", "# mine\nfdmove")
    (sv / "renew-lets-encrypt-log/type").unlink()
    (sv / "renew-lets-encrypt-log/finish").chmod(0o644)
    (sv / "renew-lets-encrypt-example-srv/type").unlink()
    (sv / "renew-lets-encrypt-example-srv/type").symlink_to("/etc/hostname")
    (site / "s6gen.toml").write_text('[defaults]\nlog-user = "log"\n' + ONE)
    before = held(site)

    code, out, err = call("render", "--check", cwd=site)

    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "renew-lets-encrypt-example-srv/run: edited by hand; parameters changed",
        "renew-lets-encrypt-example-srv/type: is a symbolic link",
        "renew-lets-encrypt-log/finish: mode changed",
        "renew-lets-encrypt-log/run: parameters changed",
        "renew-lets-encrypt-log/type: missing",
    ]
    assert held(site) == before
    assert call("render", cwd=site) == (
        100,
        "",
        "s6gen: fatal: renew-lets-encrypt-example-srv/run: edited by hand; parameters changed: "
        "--merge keeps the edit, --force drops it\n"
        "s6gen: fatal: renew-lets-encrypt-example-srv/type: is a symbolic link: "
        "remove it, or replace it with --force\n",
    )
    assert held(site) == before
    assert call("render", "--force", cwd=site)[0] == 0
    assert call("render", "--check", cwd=site) == (0, "", "")


def test_a_tree_that_was_never_rendered(tmp_path: Path) -> None:
    (tmp_path / "s6gen.toml").write_text(ONE)

    code, out, err = call("render", "--check", cwd=tmp_path)

    assert (code, err) == (1, "")
    assert f"{RUN}: new\n" in out
    assert [path.name for path in tmp_path.iterdir()] == ["s6gen.toml"]


def test_a_newer_s6gen_is_told_from_new_parameters(site: Path, tmp_path: Path) -> None:
    newer = checkout(tmp_path / "newer")
    newer.replace("s6gen/__init__.py", '"0.1.0"', '"0.2.0"')
    assert newer.call("render", "--check", cwd=site) == (0, "", "")

    newer.replace(
        "templates/renew-lets-encrypt/renew-lets-encrypt-srv/run",
        "fdmove",
        "# new\nfdmove",
    )

    expected = f"{RUN}: s6gen was 0.1.0, is 0.2.0\n"
    assert newer.call("render", "--check", cwd=site) == (1, expected, "")
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')
    assert (
        f"{RUN}: parameters changed and s6gen was 0.1.0, is 0.2.0\n"
        in (newer.call("render", "--check", cwd=site)[1])
    )
    newer.call("render", cwd=site)
    assert "# renew-lets-encrypt-example-srv 0.2.0 " in (site / "sv/.s6gen").read_text()
    assert (
        f"{RUN}: s6gen was 0.2.0, is 0.1.0\n" in call("render", "--check", cwd=site)[1]
    )


def test_changed_templates_of_the_same_s6gen(site: Path) -> None:
    own = site / "mine/renew-lets-encrypt/renew-lets-encrypt-log"
    own.mkdir(parents=True)
    (own / "finish").write_text("#!/bin/sh\n")

    assert call("render", "--check", "--templates", "mine", cwd=site) == (
        1,
        "renew-lets-encrypt-log/finish: templates changed\n",
        "",
    )


def test_the_difference_is_one_that_git_applies(site: Path) -> None:
    sv = site / "sv"
    (sv / "renew-lets-encrypt-log/type").unlink()
    (sv / "renew-lets-encrypt-log/finish").chmod(0o644)
    (sv / "renew-lets-encrypt-example-srv/producer-for").write_text(
        "no newline\tat the end"
    )
    (site / "s6gen.toml").write_text(
        'output = "sv"\n[defaults]\nnetwork-service = "eth0"\n'
        + ONE
        + 'user = "acme"\n'
    )

    code, out, _ = call("render", "--diff", cwd=site)
    subprocess.run(
        ["git", "apply", "--directory=sv", "-"],
        cwd=site,
        input=out,
        text=True,
        check=True,
    )

    assert code == 1
    assert "new file mode 100644\n" in out
    assert "deleted file mode 100644\n" in out
    assert "old mode 100644\nnew mode 100755\n" in out
    assert call("render", "--diff", cwd=site) == (0, "", "")
    assert call("render", "--check", cwd=site) == (0, "", "")


def test_a_record_that_does_not_fit_is_drift(site: Path) -> None:
    record = site / "sv/.s6gen"
    whole = record.read_text()
    record.write_text(whole.replace("0.1.0", "0.0.9"))
    assert call("render", "--check", cwd=site) == (0, "", "")

    record.write_text("".join(whole.splitlines(keepends=True)[3:]))
    fits_not = ".s6gen: does not fit what is there: render again\n"
    assert call("render", "--check", cwd=site) == (1, fits_not, "")
    record.unlink()
    assert call("render", "--check", cwd=site) == (1, ".s6gen: missing\n", "")

    assert call("render", cwd=site) == (0, "", "")
    assert record.read_text() == whole


def test_the_difference_is_coloured_only_on_a_terminal(site: Path) -> None:
    require("script")
    (site / "s6gen.toml").write_text(ONE + 'user = "acme"\n')
    from support.command import ENVIRONMENT, S6GEN

    command = " ".join([*S6GEN, "render", "--diff"])
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        cwd=site,
        env=ENVIRONMENT | {"TERM": "xterm"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert "\033[32m+s6-setuidgid acme\033[0m" in done.stdout
    assert "\033" not in call("render", "--diff", cwd=site)[1]


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
    before = held(site)

    code, out, err = call("render", "--merge", cwd=site)

    assert (code, out) == (100, "")
    assert err == (
        f"s6gen: fatal: {RUN}: edited by hand; parameters changed: "
        "both change the same lines: --force drops the edit; make it anew, then --merge\n"
    )
    assert held(site) == before


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


def test_a_service_that_is_left_over_goes_only_when_asked(site: Path) -> None:
    (site / "s6gen.toml").write_text(TWO)
    call("render", cwd=site)
    (site / "sv/own").mkdir()
    (site / "sv/own/type").write_text("bundle\n")
    (site / "s6gen.toml").write_text(ONE)

    left = "renew-lets-encrypt-shop-srv"
    assert f"{left}: left over\n" in call("render", "--check", cwd=site)[1]
    code, out, err = call("render", cwd=site)
    assert (code, err) == (
        0,
        f"s6gen: warning: {left}: no longer rendered, and s6-rc-compile may refuse it as it is: "
        "--prune removes it\n",
    )
    assert "updated    renew-lets-encrypt-log/consumer-for\n" in out
    assert (site / "sv" / left / "run").exists()

    code, out, err = call("render", "--prune", cwd=site)
    assert (code, err) == (0, "")
    assert f"removed    {left}/run\n" in out
    assert sorted(path.name for path in (site / "sv").iterdir()) == [
        ".s6gen",
        "own",
        "renew-lets-encrypt-example-srv",
        "renew-lets-encrypt-log",
    ]
    assert call("render", "--check", cwd=site) == (0, "", "")


def test_what_somebody_changed_is_not_pruned(site: Path) -> None:
    (site / "s6gen.toml").write_text(TWO)
    call("render", cwd=site)
    (site / "s6gen.toml").write_text(ONE)
    left = "renew-lets-encrypt-shop-srv"
    edit(site / f"sv/{left}/run", "fdmove", "# x\nfdmove")
    before = held(site / f"sv/{left}")

    assert call("render", "--prune", cwd=site)[2] == (
        f"s6gen: warning: {left}: {left}/run was edited: --prune --force removes it all the same\n"
    )
    assert held(site / f"sv/{left}") == before
    (site / f"sv/{left}/notes").write_text("precious")
    assert call("render", "--prune", "--force", cwd=site)[2] == (
        f"s6gen: warning: {left}: {left}/notes was not rendered by s6gen: remove that yourself\n"
    )
    assert (site / f"sv/{left}/notes").read_text() == "precious"
    (site / f"sv/{left}/notes").unlink()
    assert call("render", "--prune", "--force", cwd=site)[::2] == (0, "")
    assert not (site / "sv" / left).exists()


def test_a_service_that_was_removed_by_hand_is_forgotten(site: Path) -> None:
    (site / "s6gen.toml").write_text(TWO)
    call("render", cwd=site)
    git(site, "add", "-A")
    subprocess.run(
        ["rm", "-r", str(site / "sv/renew-lets-encrypt-shop-srv")], check=True
    )
    (site / "s6gen.toml").write_text(ONE)

    assert call("render", cwd=site)[::2] == (0, "")
    assert "shop" not in (site / "sv/.s6gen").read_text()


def test_a_host_that_is_left_over(tmp_path: Path) -> None:
    host = '[[host.{0}.certificate]]\npage = "a"\ndomain = "{0}.example.org"\n'
    file = tmp_path / "s6gen.toml"
    file.write_text(host.format("one") + host.format("two"))
    call("render", cwd=tmp_path)
    file.write_text(host.format("one"))

    assert call("render", "--check", cwd=tmp_path)[1] == (
        "two/renew-lets-encrypt-a-srv: left over\ntwo/renew-lets-encrypt-log: left over\n"
    )
    assert call("render", "--prune", cwd=tmp_path)[::2] == (0, "")
    assert [path.name for path in (tmp_path / "sv").iterdir()] == ["one"]


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


def test_flags_that_exclude_each_other(site: Path) -> None:
    assert call("render", "--check", "--diff", cwd=site) == (
        100,
        "",
        "s6gen: fatal: --check and --diff: give only one of them\n",
    )


def test_what_somebody_added_is_drift(site: Path) -> None:
    (site / "sv/renew-lets-encrypt-example-srv/dependencies.d/more").touch()
    (site / "sv/renew-lets-encrypt-example-srv/.gitkeep").touch()

    assert call("render", "--check", cwd=site) == (
        1,
        "renew-lets-encrypt-example-srv/dependencies.d/more: was not rendered by s6gen\n",
        "",
    )


def test_prune_is_for_all(site: Path) -> None:
    assert call("render", "--prune", "--page", "example", cwd=site) == (
        100,
        "",
        "s6gen: fatal: --prune: is for all that s6gen.toml asks for: leave out --page\n",
    )


def test_the_last_certificate_goes(site: Path) -> None:
    (site / "s6gen.toml").write_text("")

    assert call("render", "--prune", cwd=site)[::2] == (0, "")
    assert not (site / "sv").exists()
    assert call("render", cwd=site)[0] == 100


def test_prune_leaves_alone_what_others_rendered_below(site: Path) -> None:
    (site / "s6gen.toml").write_text('output = "."\n' + ONE)
    call(
        "render",
        "--page",
        "x",
        "--domain",
        "x.org",
        "-o",
        "other/sv",
        "-c",
        "none",
        cwd=site,
    )
    call("render", cwd=site)
    others = held(site / "sv")

    code, _, _ = call("render", "--prune", cwd=site)

    assert code == 0
    assert held(site / "sv") == others


def test_no_link_leads_out_of_the_output(site: Path, tmp_path: Path) -> None:
    """Whoever may write below the output cannot have others' directories changed."""
    host = '[[host.{0}.certificate]]\npage = "a"\ndomain = "{0}.example.org"\n'
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "s6gen.toml").write_text(host.format("web"))
    call("render", cwd=victim)
    before = held(victim)
    (site / "sv/web").symlink_to(victim / "sv/web")

    assert call("render", "--prune", cwd=site)[0] == 0
    assert held(victim) == before
    (site / "s6gen.toml").write_text(host.format("web") + 'user = "acme"\n')
    code, _, err = call("render", "--force", cwd=site)

    assert (code, err) == (100, "s6gen: fatal: --output: sv/web: is not a directory\n")
    assert held(victim) == before


def test_a_stage_that_a_kill_left_is_no_host(site: Path) -> None:
    stage = site / "sv/.s6gen-new"
    stage.mkdir()
    (stage / ".s6gen").write_text(
        "# host .s6gen-new\n" + (site / "sv/.s6gen").read_text()
    )

    assert call("render", cwd=site) == (0, "", "")
    assert not stage.exists()


def test_a_refused_rendering_leaves_no_directory(tmp_path: Path) -> None:
    host = '[[host.{0}.certificate]]\npage = "a"\ndomain = "{0}.example.org"\n'
    (tmp_path / "s6gen.toml").write_text(host.format("one") + host.format("two"))
    blocked = tmp_path / "sv/two/renew-lets-encrypt-a-srv/run"
    blocked.mkdir(parents=True)

    assert call("render", cwd=tmp_path)[0] == 100
    assert not (tmp_path / "sv/one").exists()
