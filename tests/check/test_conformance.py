"""The verdict on small trees, against what three real s6-rc-compile said of them."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s6gen.check.database import database
from s6gen.check.errors import errors
from s6gen.sources.read import read_source
from s6gen.sources.service_set import ServiceSet, service_set
from s6gen.sources.version import parse_version

ROOT = Path(__file__).parents[2]
CASES = Path(
    os.environ.get(
        "S6GEN_CONFORMANCE", ROOT.parent / "shared/conformance/s6-rc-compile.jsonl"
    )
)
REFERENCE = "0.6.1.1"


def cases() -> Iterator[Any]:
    """All cases, or one that says why there are none."""
    if not CASES.exists():
        reason = f"no {CASES}: name the file of cases in S6GEN_CONFORMANCE"
        yield pytest.param({}, marks=pytest.mark.skip(reason=reason), id="none")
        return
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        yield pytest.param(case, id=case["id"])


def build(tree: dict[str, Any], root: Path) -> None:
    """Make the case's files."""
    for name, entry in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match entry:
            case {"file": text}:
                path.write_bytes(text.encode())
            case {"file_b64": text}:
                path.write_bytes(base64.b64decode(text))
            case {"symlink": target}:
                path.symlink_to(target)
            case {"fifo": True}:
                os.mkfifo(path)
            case _:
                path.mkdir(exist_ok=True)
    for name, entry in tree.items():
        if "mode" in entry:
            (root / name).chmod(int(entry["mode"], 8))


def permit(root: Path) -> None:
    """Let pytest remove what the case forbade."""
    for path, _, _ in os.walk(root):
        Path(path).chmod(0o755)


def read(case: dict[str, Any], version: str) -> ServiceSet:
    """The case's sources, as that release reads them."""
    return service_set(
        [read_source(path) for path in case["sources"]], (), parse_version(version)
    )


@pytest.mark.parametrize("case", list(cases()))
def test_agrees_with_s6_rc_compile(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_root = case.get("user") == "unprivileged" and os.getuid() == 0
    verdicts = case["verdicts_root" if as_root else "verdicts"]
    build(case["tree"], tmp_path)
    monkeypatch.chdir(tmp_path)
    try:
        accepted = {version: not errors(read(case, version)) for version in verdicts}
        services = read(case, REFERENCE)
    finally:
        permit(tmp_path)

    assert accepted == {
        version: verdict["exit"] == 0 for version, verdict in verdicts.items()
    }
    if accepted[REFERENCE] and "db" in case:
        assert database(services) == case["db"]
