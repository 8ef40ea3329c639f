"""The published JSON Schema: it says of a file what s6gen says."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from support.command import call

from s6gen.configuration.schema import schema_text

TOP = Path(__file__).parents[2]
SCHEMA = json.loads((TOP / "schema/s6gen.schema.json").read_text())
CONFIGURATIONS = sorted((TOP / "tests/configurations").glob("*.toml"))


def mistakes(text: str) -> list[str]:
    """What the schema says is wrong."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema_and_the_one_that_is_printed() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert (TOP / "schema/s6gen.schema.json").read_text() == schema_text()
    assert call("config", "--schema") == (0, schema_text(), "")


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_it_takes_what_s6gen_takes(path: Path) -> None:
    assert mistakes(path.read_text()) == []


def test_it_takes_what_init_writes(tmp_path: Path) -> None:
    call("init", cwd=tmp_path)

    assert mistakes((tmp_path / "s6gen.toml").read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ouput = 'sv'", id="unknown at the top"),
        pytest.param("[defaults]\nlog-usr = 'x'", id="unknown default"),
        pytest.param("[defaults]\npage = 'x'", id="a page for all"),
        pytest.param("[defaults]\nlog-size = '1M'", id="text for a number"),
        pytest.param("[[certificate]]\npage = 'a'", id="no domain"),
        pytest.param(
            "[[certificate]]\npage = 'a'\ndomain = 1", id="a number for a name"
        ),
        pytest.param("[host.a]\nplaceholder = 'yes'", id="text for a flag"),
        pytest.param("certificate = 'a'", id="no table"),
        pytest.param(
            "[[certificate]]\npage = 'a'\ndomain = 'a.org'\n"
            "deploy = [{ name = 'x', steps = [{ copy = 'chian', to = '/x' }] }]",
            id="no part of a certificate",
        ),
    ],
)
def test_it_refuses_what_s6gen_refuses(text: str, tmp_path: Path) -> None:
    (tmp_path / "s6gen.toml").write_text(text)

    assert mistakes(text) != []
    assert call("render", cwd=tmp_path)[0] == 100
