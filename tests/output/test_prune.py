"""Services and hosts that are no longer rendered."""

import subprocess
from pathlib import Path

import pytest
from support.command import call
from support.site import ONE, TWO, contents, edit, git, rendered_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return rendered_site(tmp_path)


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
    before = contents(site / f"sv/{left}")

    assert call("render", "--prune", cwd=site)[2] == (
        f"s6gen: warning: {left}: {left}/run was edited: --prune --force removes it all the same\n"
    )
    assert contents(site / f"sv/{left}") == before
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
    others = contents(site / "sv")

    code, _, _ = call("render", "--prune", cwd=site)

    assert code == 0
    assert contents(site / "sv") == others


def test_no_link_leads_out_of_the_output(site: Path, tmp_path: Path) -> None:
    """Whoever may write below the output cannot have others' directories changed."""
    host = '[[host.{0}.certificate]]\npage = "a"\ndomain = "{0}.example.org"\n'
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "s6gen.toml").write_text(host.format("web"))
    call("render", cwd=victim)
    before = contents(victim)
    (site / "sv/web").symlink_to(victim / "sv/web")

    assert call("render", "--prune", cwd=site)[0] == 0
    assert contents(victim) == before
    (site / "s6gen.toml").write_text(host.format("web") + 'user = "acme"\n')
    code, _, err = call("render", "--force", cwd=site)

    assert (code, err) == (100, "s6gen: fatal: --output: sv/web: is not a directory\n")
    assert contents(victim) == before


def test_a_stage_that_a_kill_left_is_no_host(site: Path) -> None:
    stage = site / "sv/.s6gen-new"
    stage.mkdir()
    (stage / ".s6gen").write_text(
        "# host .s6gen-new\n" + (site / "sv/.s6gen").read_text()
    )

    assert call("render", cwd=site) == (0, "", "")
    assert not stage.exists()
