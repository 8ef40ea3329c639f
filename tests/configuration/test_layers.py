"""Values from several places: each layer lies over those before it."""

from pathlib import Path

from support.checkout import checkout
from support.command import call
from support.configuration import TWO, put, run_script


def test_options_lie_over_the_file(tmp_path: Path) -> None:
    call("render", "--ca", "letsencrypt-staging", cwd=put(TWO, tmp_path))

    for page in ("example", "shop"):
        assert "--directory-url https://acme-staging" in run_script(tmp_path, page)
    code, _, err = call("render", "--domain", "a.org", cwd=tmp_path)
    assert (code, err) == (100, "s6gen: fatal: --domain: say for which page: --page\n")


def test_zero_is_given_too(tmp_path: Path) -> None:
    """It is no less an option than another number: s6-log keeps no old file, and so on."""
    site = "--page", "example", "--domain", "example.org"
    call("render", *site, "--log-number", "0", cwd=tmp_path)
    assert "n0 " in (tmp_path / "renew-lets-encrypt-log/run").read_text()

    file = tmp_path / "of-file"
    file.mkdir()
    put("[defaults]\nnotify = 90\n" + TWO, file)
    call("render", cwd=file)
    notification = file / "sv/renew-lets-encrypt-shop-srv/notification-fd"
    assert notification.exists()
    assert call("render", "--notify", "0", cwd=file)[0] == 0
    assert not notification.exists()


def test_one_page_alone_leaves_the_others(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))
    shop = run_script(tmp_path, "shop")

    _, out, _ = call(
        "render", "--page", "example", "--ca", "letsencrypt-staging", cwd=tmp_path
    )

    updated = [line for line in out.splitlines() if not line.startswith("unchanged ")]
    assert updated == ["updated    renew-lets-encrypt-example-srv/run"]
    assert "acme-staging" in run_script(tmp_path, "example")
    assert run_script(tmp_path, "shop") == shop
    assert call("render", "--page", "shop", "--check", cwd=tmp_path) == (0, "", "")
    assert call("render", "--page", "nope", cwd=tmp_path) == (
        100,
        "",
        "s6gen: fatal: --page: s6gen.toml has no page 'nope', but 'example', 'shop': "
        "give --domain for a new one\n",
    )


def test_a_page_that_is_not_in_the_file_joins_the_others(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))

    code, _, err = call(
        "render", "--page", "new", "--domain", "new.example.org", cwd=tmp_path
    )

    assert (code, err) == (0, "")
    assert (tmp_path / "sv/renew-lets-encrypt-log/consumer-for").read_text() == (
        "renew-lets-encrypt-example-srv\nrenew-lets-encrypt-new-srv\nrenew-lets-encrypt-shop-srv\n"
    )
    given = ["--given", "mount", "--given", "networking"]
    assert call("check", *given, "sv", cwd=tmp_path) == (0, "", "")


def test_layers_from_the_package_to_the_command_line(tmp_path: Path) -> None:
    """As a packager does it: the places are two lines of one file."""
    program = checkout(tmp_path / "package")
    for name in ("/usr/share/s6gen", "/etc/s6gen"):
        program.replace("s6gen/places.py", name, f"{tmp_path}{name}")
        (tmp_path / name[1:]).mkdir(parents=True)
    (tmp_path / "usr/share/s6gen/defaults.toml").write_text(
        'python = "/usr/bin/python3.12"\nlog-user = "log"\nuser = "acme"\n'
    )
    (tmp_path / "etc/s6gen/defaults.toml").write_text('# ours\nuser = "certs"\n')
    site = tmp_path / "site"
    site.mkdir()
    put('[defaults]\nlog-user = "s6log"\n' + TWO, site)

    shown = program.call("config", "--page", "shop", "--live", "/run/rc", cwd=site)[1]

    found = dict(line.split(" # ", 1) for line in shown.splitlines() if " # " in line)
    found = {key.strip(): origin for key, origin in found.items()}
    assert found['page = "shop"'] == "command line"
    assert found['domain = ["shop.example.org"]'] == "s6gen.toml:9"
    assert found['log-user = "s6log"'] == "s6gen.toml:2"
    assert found['user = "certs"'] == f"{tmp_path}/etc/s6gen/defaults.toml:2"
    assert (
        found['python = "/usr/bin/python3.12"']
        == f"{tmp_path}/usr/share/s6gen/defaults.toml:1"
    )
    assert found['live = "/run/rc"'] == "command line"
    assert found['ca = "letsencrypt"'] == "built in"
    assert found['group = "certs"'] == "follows from the others"

    (site / "s6gen.toml").write_text("machine-defaults = false\n" + TWO)
    assert "acme" not in program.call("config", cwd=site)[1]
    plain = program.call("render", "--page", "a", "--domain", "a.org", cwd=tmp_path)
    assert plain[0] == 0
    assert "s6-setuidgid certs" in (tmp_path / "renew-lets-encrypt-srv/run").read_text()

    (tmp_path / "etc/s6gen/defaults.toml").write_text('usr = "certs"\n')
    assert program.call("render", "--page", "a", "--domain", "a.org", cwd=tmp_path) == (
        100,
        "",
        f"s6gen: fatal: {tmp_path}/etc/s6gen/defaults.toml:1: usr: "
        "no such key: did you mean user?\n",
    )


def test_config_is_toml_that_renders_the_same(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))

    shown = call("config", cwd=tmp_path)[1]
    put(shown, tmp_path)

    assert call("render", "--check", cwd=tmp_path) == (0, "", "")
