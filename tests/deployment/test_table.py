"""Deployments as tables: each says the same as a text, or is refused."""

from typing import Any

import attrs
import pytest

from s6gen.deployment.files import Copy, Pair
from s6gen.deployment.servers import Reload, Run, Serves, Trial
from s6gen.deployment.syntax import KINDS
from s6gen.deployment.table import as_text
from s6gen.deployment.text import targets
from s6gen.errors import Fatal

STEPS: dict[str, tuple[dict[str, Any], str]] = {
    "copy": (
        {"copy": "chain", "to": "/etc/x/c.pem", "owner": "irc", "mode": "0440"},
        "copy chain /etc/x/c.pem owner=irc mode=0440",
    ),
    "combine": (
        {"combine": ["key", "chain"], "to": "/etc/x/a b.pem", "group": "irc"},
        "combine key+chain '/etc/x/a b.pem' group=irc",
    ),
    "reload": (
        {"reload": "irc", "signal": "USR2", "through": "s6-svc"},
        "reload irc signal=USR2 through=s6-svc",
    ),
    "pair": ({"pair": "/etc/x/tls", "mode": "0440"}, "pair /etc/x/tls mode=0440"),
    "test": (
        {"test": "irc --check", "service": "irc", "user": "irc"},
        "test service=irc user=irc irc --check",
    ),
    "serves": (
        {"serves": "[::1]:25", "starttls": "smtp", "name": "x.org", "timeout": 3},
        "serves [::1]:25 starttls=smtp name=x.org timeout=3",
    ),
    "restart": ({"restart": "/run/service/irc"}, "restart /run/service/irc"),
    "run": (
        {"run": ["sh", "-c", "a;b", ";"], "user": "irc", "timeout": 5},
        "run user=irc timeout=5 sh -c 'a;b' ';'",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_as_a_table_says_the_same_as_its_text(kind: str) -> None:
    table, text = STEPS[kind]

    assert targets([as_text({"name": "x", "steps": [table]})]) == targets(
        [f"x: {text}"]
    )


def test_a_preset_as_a_table_says_the_same_as_its_text() -> None:
    table = {"preset": "nginx", "dir": "/etc/my nginx", "name": "web"}

    assert targets([as_text(table)]) == targets(["nginx 'dir=/etc/my nginx' name=web"])


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"preset": 5}, "preset: must be a string: 5"),
        (
            {"name": "x", "steps": [{"run": "echo 'open"}]},
            'run: no closing quotation: "echo \'open"',
        ),
        ({"name": "x"}, "steps: must be a list of tables, such as {copy = "),
        ({"steps": []}, "name: must be a string"),
        (
            {"name": "x", "step": []},
            "step: no such key: a deployment has preset, or name and steps",
        ),
        (
            {"name": "x", "steps": [{"copy": "key", "reload": "x"}]},
            "a step has one of copy, combine, pair, reload, restart, run, test, serves: {",
        ),
        ({"name": "x", "steps": [{"copy": "key"}]}, "copy: to: must be a string"),
        (
            {"name": "x", "steps": [{"reload": ["a", "b"]}]},
            "reload: must be a string: ['a', 'b']",
        ),
        (
            {"name": "x", "steps": [{"run": "a", "timeout": True}]},
            "timeout: must be a string: True",
        ),
    ],
)
def test_what_no_text_can_say(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(Fatal) as raised:
        as_text(table)

    assert str(raised.value).startswith(reason)


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("copy", Copy),
        ("pair", Pair),
        ("reload", Reload),
        ("run", Run),
        ("test", Trial),
        ("serves", Serves),
    ],
)
def test_the_settings_of_a_step_are_fields_with_a_default(kind: str, step: Any) -> None:
    fields = {
        field.name
        for field in attrs.fields(step)
        if field.default is not attrs.NOTHING and field.init
    }
    assert {setting.key for setting in KINDS[kind].settings} == fields
