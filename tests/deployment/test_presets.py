"""The presets: each is right in itself, and listed."""

import re

import pytest

from s6gen import cli
from s6gen.deployment import presets
from s6gen.deployment.files import Copy
from s6gen.deployment.servers import Reload, Trial
from s6gen.deployment.steps import Target
from s6gen.deployment.text import targets
from s6gen.errors import Fatal


@pytest.mark.parametrize("name", presets.preset_names())
def test_each_preset_can_be_deployed_and_shown(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (target,) = targets([name])
    paths = [step.path for step in target.steps if isinstance(step, Copy)]

    assert target.name == name
    assert cli.run(["presets", name]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{name}: {presets.read_preset(name).summary}\n")
    assert not re.search(r"\{\w", shown)
    assert paths
    assert all(path in shown for path in paths)
    steps = re.split(r"^  does|^  configure", shown, flags=re.MULTILINE)[1]
    pasted = "; ".join(line.strip() for line in steps.strip().splitlines())
    assert targets([f"{name}: {pasted}"]) == (target,)


def test_a_preset_with_settings() -> None:
    (target,) = targets(
        [
            "nginx dir='/etc/my nginx' service=nginx-srv name=web serves="
            """ test='nginx -t -c "/a b"'"""
        ]
    )

    assert target == Target(
        "web",
        (
            Copy(parts=("key",), path="/etc/my nginx/key.pem", mode="0400"),
            Copy(parts=("chain",), path="/etc/my nginx/chain.pem", mode="0444"),
            Trial(words=("nginx", "-t", "-c", "/a b"), service="nginx-srv"),
            Reload(service="nginx-srv"),
        ),
    )


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (
            ["nginx x=y"],
            "--deploy: 'nginx x=y': 'x=y': preset nginx has the settings name= dir=",
        ),
        (
            ["nginx", "nginx"],
            "two are named 'nginx': name one with name=, or 'NAME: …'",
        ),
        (["../x"], "--deploy: '../x': no preset is called '../x'"),
    ],
)
def test_what_a_preset_refuses(texts: list[str], reason: str) -> None:
    with pytest.raises(Fatal) as raised:
        targets(texts)

    assert str(raised.value).startswith(reason)


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["presets"]) == 0
    assert [
        line.split()[0] for line in capsys.readouterr().out.splitlines()
    ] == presets.preset_names()
