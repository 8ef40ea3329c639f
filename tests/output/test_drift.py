"""A committed tree against its configuration: --check and --diff."""

import subprocess
from pathlib import Path

import pytest
from support.checkout import checkout
from support.command import ENVIRONMENT, S6GEN, call
from support.program import require
from support.site import ONE, RUN, contents, edit, rendered_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return rendered_site(tmp_path)


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
    before = contents(site)

    code, out, err = call("render", "--check", cwd=site)

    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "renew-lets-encrypt-example-srv/run: edited by hand; parameters changed",
        "renew-lets-encrypt-example-srv/type: is a symbolic link",
        "renew-lets-encrypt-log/finish: mode changed",
        "renew-lets-encrypt-log/run: parameters changed",
        "renew-lets-encrypt-log/type: missing",
    ]
    assert contents(site) == before
    assert call("render", cwd=site) == (
        100,
        "",
        "s6gen: fatal: renew-lets-encrypt-example-srv/run: edited by hand; parameters changed: "
        "--merge keeps the edit, --force drops it\n"
        "s6gen: fatal: renew-lets-encrypt-example-srv/type: is a symbolic link: "
        "remove it, or replace it with --force\n",
    )
    assert contents(site) == before
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


def test_a_refused_rendering_leaves_no_directory(tmp_path: Path) -> None:
    host = '[[host.{0}.certificate]]\npage = "a"\ndomain = "{0}.example.org"\n'
    (tmp_path / "s6gen.toml").write_text(host.format("one") + host.format("two"))
    blocked = tmp_path / "sv/two/renew-lets-encrypt-a-srv/run"
    blocked.mkdir(parents=True)

    assert call("render", cwd=tmp_path)[0] == 100
    assert not (tmp_path / "sv/one").exists()


def test_a_certificate_is_saved_beside_the_services(site: Path) -> None:
    """The directory of the file is then the one that is locked."""
    (site / "s6gen.toml").write_text('output = "."\n' + ONE)
    shop = ["--page", "shop", "--domain", "shop.example.org"]

    code, out, err = call("render", "--save", *shop, cwd=site)

    assert (code, err) == (0, "")
    assert out.startswith("updated    s6gen.toml\n")
    assert 'page = "shop"' in (site / "s6gen.toml").read_text()
    assert (site / "renew-lets-encrypt-shop-srv/run").exists()
