"""Each parameter is in every place that lists them: it is declared once, and follows."""

import json
import re
from pathlib import Path

import pytest

from s6gen.commands.render import command
from s6gen.configuration.initial import initial_text
from s6gen.services.renew_lets_encrypt import PARAMETERS, REQUIRED_KEYS

TOP = Path(__file__).parents[2]
RENDER_PAGE = (TOP / "man/man1/s6gen-render.1").read_text()
FILE_PAGE = (TOP / "man/man5/s6gen.toml.5").read_text()
SCHEMA = json.loads((TOP / "schema/s6gen.schema.json").read_text())


@pytest.mark.parametrize("key", PARAMETERS)
def test_a_parameter_is_an_option_a_key_and_documented(key: str) -> None:
    options = {name for option in command.params for name in option.opts}
    documented = re.findall(r"^\.It Cm (.*?)(?: Ta|$)", FILE_PAGE, re.MULTILINE)

    assert f"--{key}" in options
    assert re.search(rf"^\.It Fl .*\bFl -{key}\b|^\.It Fl -{key}\b", RENDER_PAGE, re.M)
    assert key in [name for names in documented for name in names.split(" , ")]
    assert SCHEMA["$defs"][key]["description"]
    assert key in SCHEMA["$defs"]["table"]["properties"]
    is_in_initial_file = f"\n# {key} = " in initial_text()
    assert is_in_initial_file or key in REQUIRED_KEYS


def test_page_and_domain_are_each_certificates_own() -> None:
    tables = SCHEMA["properties"]
    defaults = tables["defaults"]["properties"]
    host = tables["host"]["additionalProperties"]["properties"]

    assert REQUIRED_KEYS == ("page", "domain")
    assert {*PARAMETERS} - {*REQUIRED_KEYS} == {*defaults}
    assert {*PARAMETERS} - {*REQUIRED_KEYS} == {*host} - {"certificate"}
