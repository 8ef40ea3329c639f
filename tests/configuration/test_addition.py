"""`s6gen init` and `s6gen render --save`: a file is begun, and added to."""

import subprocess
from pathlib import Path

from support.checkout import checkout
from support.command import ENVIRONMENT, S6GEN, call
from support.configuration import TWO, put, run_script


def test_save_adds_a_certificate_and_keeps_the_rest(tmp_path: Path) -> None:
    before = "# precious\n" + TWO
    put(before, tmp_path)
    added = [
        "--page",
        "new",
        "--domain",
        "new.example.org",
        "--domain",
        "x.example.org",
    ]

    code, out, err = call(
        "render", *added, "--deploy", "nginx name=a", "--save", cwd=tmp_path
    )

    text = (tmp_path / "s6gen.toml").read_text()
    assert (code, err) == (0, "")
    assert "created    renew-lets-encrypt-new-srv/run\n" in out
    assert text == before + (
        '\n[[certificate]]\npage = "new"\ndomain = ["new.example.org", "x.example.org"]\n'
        'deploy = ["nginx name=a"]\n'
    )
    assert call("render", "--check", cwd=tmp_path) == (0, "", "")
    assert call("render", *added, "--save", cwd=tmp_path) == (
        100,
        "",
        "s6gen: fatal: s6gen.toml: page 'new' is there already: change it there\n",
    )


def test_save_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    put(TWO, tmp_path)

    code, _, err = call(
        "render", "--page", "a", "--domain", "a..org", "--save", cwd=tmp_path
    )

    assert code == 100
    assert err == "s6gen: fatal: --domain: 'a..org' has an empty label\n"
    assert (tmp_path / "s6gen.toml").read_text() == TWO
    assert not (tmp_path / "sv").exists()


def test_saves_at_once_lose_nothing(tmp_path: Path) -> None:
    """Those that come too late say so; whoever succeeds is in the file."""
    put(TWO, tmp_path)
    command = [*S6GEN, "render", "--save"]
    pages = [f"page{number}" for number in range(6)]
    runs = {
        page: subprocess.Popen(
            [*command, "--page", page, "--domain", f"{page}.example.org"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for page in pages
    }
    ends = {page: (run.communicate()[1], run.returncode) for page, run in runs.items()}

    text = (tmp_path / "s6gen.toml").read_text()
    assert {code for _, code in ends.values()} <= {0, 111}
    for page, (err, code) in ends.items():
        assert (f'page = "{page}"' in text) == (code == 0), err
    assert call("render", cwd=tmp_path)[::2] == (0, "")


def test_init_writes_a_file_that_save_can_add_to(tmp_path: Path) -> None:
    assert call("init", cwd=tmp_path) == (0, "created    s6gen.toml\n", "")
    again = "s6gen: fatal: s6gen.toml: is there already: edit it, or name another with --config\n"
    assert call("init", cwd=tmp_path) == (100, "", again)

    call("render", "--page", "a", "--domain", "a.example.org", "--save", cwd=tmp_path)

    assert "--domain a.example.org\n" in run_script(tmp_path, "a")


def test_every_key_of_the_initial_file_is_one(tmp_path: Path) -> None:
    """Each commented key is taken with what stands there, but for what is only a kind of value."""
    call("init", cwd=tmp_path)
    path = tmp_path / "s6gen.toml"
    defaults = path.read_text().partition("\n# [[certificate]]")[0]
    keys = [
        line[2:]
        for line in defaults.splitlines()
        if line.startswith("# ") and " = " in line
    ]
    given = [
        line for line in keys if '"' not in line or not line.split('"')[1].isupper()
    ]
    given = [line for line in given if not line.startswith(("bundle", "outside"))]
    path.write_text("[defaults]\n" + "\n".join(given) + "\n" + TWO)

    assert len(given) > 20
    assert call("render", cwd=tmp_path)[::2] == (0, "")
    path.write_text(TWO)
    assert call("render", "--check", cwd=tmp_path) == (0, "", "")


def test_init_pins_what_the_machine_says(tmp_path: Path) -> None:
    program = checkout(tmp_path / "package")
    program.replace("s6gen/places.py", "/etc/s6gen", str(tmp_path))
    (tmp_path / "defaults.toml").write_text('log-user = "log"\n')
    site = tmp_path / "site"
    site.mkdir()

    program.call("init", cwd=site)
    program.call("render", "--page", "a", "--domain", "a.org", "--save", cwd=site)
    (tmp_path / "defaults.toml").unlink()

    assert '\nlog-user = "log"\n' in (site / "s6gen.toml").read_text()
    assert program.call("render", "--check", cwd=site) == (0, "", "")
