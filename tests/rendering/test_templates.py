"""Templates of one's own, in front of s6gen's."""

from importlib.metadata import version
from pathlib import Path

import pytest
from support.command import call

SITE = ["--page", "example", "--domain", "example.org", "--templates", "mine"]
RUN = "renew-lets-encrypt/renew-lets-encrypt-srv/run"


def put(name: str, text: str, directory: Path) -> None:
    """A template of one's own."""
    path = directory / "mine" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_lists_all_and_whose_they_are(tmp_path: Path) -> None:
    put(RUN, "", tmp_path)
    put("renew-lets-encrypt/renew-lets-encrypt-srv/data/extra", "", tmp_path)
    put("renew-lets-encrypt/renew-lets-encrypt-srv/run~", "", tmp_path)

    code, out, err = call("templates", "--templates", "mine", cwd=tmp_path)

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert f"own     {RUN}" in lines
    assert "own     renew-lets-encrypt/renew-lets-encrypt-srv/data/extra" in lines
    assert "s6gen   renew-lets-encrypt/renew-lets-encrypt-srv/type" in lines
    assert not any("run~" in line for line in lines)


def test_a_copy_renders_the_same_and_then_what_one_makes_of_it(tmp_path: Path) -> None:
    certificate = '[[certificate]]\npage = "example"\ndomain = "example.org"\n'
    (tmp_path / "s6gen.toml").write_text(certificate)
    call("render", cwd=tmp_path)
    (tmp_path / "s6gen.toml").write_text(f'templates = "mine"\n{certificate}')

    assert call("templates", "copy", RUN, cwd=tmp_path) == (
        0,
        f"created    mine/{RUN}\n",
        "",
    )
    assert call("render", "--check", cwd=tmp_path) == (0, "", "")

    path = tmp_path / "mine" / RUN
    path.write_text(path.read_text() + "# {{ service.page }}\n")
    put("renew-lets-encrypt/renew-lets-encrypt-srv/env/LANG", "C\n", tmp_path)
    assert call("render", cwd=tmp_path)[1] == (
        "created    renew-lets-encrypt-example-srv/env/LANG\n"
        "updated    renew-lets-encrypt-example-srv/run\n"
    )
    rendered = tmp_path / "sv/renew-lets-encrypt-example-srv/run"
    assert rendered.read_text().endswith("\n# example\n")


def test_an_included_template_may_be_ones_own(tmp_path: Path) -> None:
    put(
        "renew-lets-encrypt/clients/s6gen-acme",
        "/opt/acme {{ service.page }}\n",
        tmp_path,
    )

    assert call("render", *SITE, cwd=tmp_path)[0] == 0
    run = tmp_path / "renew-lets-encrypt-srv/run"
    assert run.read_text().endswith("\n/opt/acme example\n")


def test_a_value_is_quoted_in_ones_own_as_well(tmp_path: Path) -> None:
    put(RUN, "#!/bin/execlineb\necho {{ service.page }}\n", tmp_path)

    call(
        "render",
        "--page",
        'a "b" }',
        "--domain",
        "a.org",
        "--templates",
        "mine",
        cwd=tmp_path,
    )

    run = tmp_path / "renew-lets-encrypt-srv/run"
    assert run.read_text() == '#!/bin/execlineb\necho "a \\"b\\" }"\n'


SAYS_WHERE = tuple(map(int, version("jinja2").split(".")[:3])) >= (3, 1, 5)
"""Since then jinja2 says that a template is not found, and where, not its name alone."""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a\n{{ service.usr }}\n",
            "2: 'service' has no attribute 'usr'",
            id="attribute",
        ),
        pytest.param("{{ servce.user }}\n", "1: 'servce' is undefined", id="variable"),
        pytest.param("\n\n{% if %}\n", "3: Expected an expression, got", id="syntax"),
        pytest.param(
            "{{ service.user | wrds }}", "1: No filter named 'wrds'.", id="filter"
        ),
        pytest.param("{{ 1 / 0 }}", "1: division by zero", id="arithmetic"),
        pytest.param(
            "{% include 'no/such' %}",
            "1: no template is called 'no/such'" if SAYS_WHERE else "1: no/such\n",
            id="include",
        ),
        pytest.param(
            "\n{{ service.__class__.__mro__ }}",
            "2: access to attribute '__class__' of 'RenewLetsEncrypt' object is unsafe.",
            id="a way out of the sandbox",
        ),
        pytest.param(
            "{{ ''.__class__ }}",
            "1: access to attribute '__class__' of 'str' object is unsafe.",
            id="another",
        ),
        pytest.param(
            "{% for x in range(10000000) %}{% endfor %}",
            "1: Range too big. The sandbox blocks ranges larger than MAX_RANGE",
            id="no end",
        ),
        pytest.param(
            "{{ 'x' * 99999999999999 }}", "1: takes too much memory", id="memory"
        ),
        pytest.param(
            "{{ 'a\nb' | verbatim }}", "2: cannot stand in one line: 'a", id="two lines"
        ),
        pytest.param("{% include '" + RUN + "' %}", "1: ", id="itself"),
    ],
)
def test_a_mistake_names_template_and_line(
    text: str, message: str, tmp_path: Path
) -> None:
    put(RUN, text, tmp_path)

    code, out, err = call("render", *SITE, "-o", "sv", cwd=tmp_path)

    assert (code, out) == (100, "")
    assert err.startswith(f"s6gen: fatal: mine/{RUN}:{message}")
    assert err.count("\n") == 1
    assert not (tmp_path / "sv").exists()


def test_a_template_that_s6_rc_would_refuse(tmp_path: Path) -> None:
    put("renew-lets-encrypt/renew-lets-encrypt-srv/type", "longrunner\n", tmp_path)

    code, _, err = call("render", *SITE, "-o", "sv", cwd=tmp_path)

    assert code == 100
    assert err.startswith(
        "s6gen: fatal: s6-rc would refuse this: sv/renew-lets-encrypt-srv/type"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["copy", RUN],
            "copy: say where to: templates = in s6gen.toml, or --templates before it",
            id="nowhere",
        ),
        pytest.param(
            ["--templates", "mine", "copy", "../x"],
            "copy: no template is called '../x': 's6gen templates' lists them",
            id="unknown",
        ),
        pytest.param(
            ["move", "x"], "nothing, list, or copy and names: 'move x'", id="verb"
        ),
        pytest.param(
            ["copy"], "nothing, list, or copy and names: 'copy'", id="no name"
        ),
    ],
)
def test_refused(arguments: list[str], message: str, tmp_path: Path) -> None:
    assert call("templates", *arguments, cwd=tmp_path) == (
        100,
        "",
        f"s6gen: fatal: {message}\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_copy_never_replaces(tmp_path: Path) -> None:
    put(RUN, "precious", tmp_path)

    code, _, err = call("templates", "--templates", "mine", "copy", RUN, cwd=tmp_path)

    assert (code, err) == (100, f"s6gen: fatal: copy: mine/{RUN}: is there already\n")
    assert (tmp_path / "mine" / RUN).read_text() == "precious"


def test_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")

    assert call("render", *SITE, cwd=tmp_path) == (
        100,
        "",
        "s6gen: fatal: mine: is not a directory of templates\n",
    )
