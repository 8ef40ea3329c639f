"""FILE.state: what is saved is read again; what is damaged or of another version too."""

import json
import stat
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s6gen.acme_client.state.records import (
    Attempt,
    Challenge,
    Failure,
    Issuance,
    Issued,
    KnownAccount,
    PlacedOrder,
    Provisioned,
    State,
    Suggestion,
    Wanted,
)
from s6gen.acme_client.state.state_file import StateFile

WHOLE = State(
    accounts={
        "https://ca.example x": KnownAccount("https://ca.example/1", ("mailto:a",))
    },
    suggestion=Suggestion("a.b", ask=2.5, window=(1.0, 3.0), moment=2.0),
    failure=Failure(3, 1.5, "ü\n\0", {"csr": "c", "domain": ["a.example"]}),
    issued=Issued(("https://ca.example", "", "a.example"), "https://ca.example/info"),
    provisioned=Provisioned(
        "http-01", "/srv", (Challenge("token", "text", "a.example"),)
    ),
    attempt=Attempt(4.5, {"csr": "c"}),
    order=PlacedOrder(
        url="https://ca.example/order/1",
        wanted=Wanted("https://ca.example", "thumbprint", "short", ("a.example",)),
        key="ab12",
        placed=5.5,
        expires=9.5,
        is_early=True,
        may_be_issued=True,
        is_slow=True,
        runs=3,
        next=6.5,
    ),
    ledger=(
        Issuance("https://ca.example", ("a.example",), 7.5, 7.0, 8.0, is_early=True),
        Issuance("https://ca.example", ("b.example",), 7.5, 0.0, 0.0, is_early=False),
    ),
)
OLDER: dict[str, dict[str, Any]] = {
    "accounts": {"k": {"url": "https://ca.example/1", "contact": ["mailto:a"]}},
    "renewal": {"id": "a.b", "ask": 2.5, "window": [1.0, 3.0], "moment": 2.0},
    "failure": {"count": 3, "next": 1.5, "what": "x", "of": {"csr": "c"}},
    "issued": {"terms": ["https://ca.example", "", "a.example"], "renewal-info": ""},
    "answers": {"kind": "http-01", "place": "/srv", "made": [["t", "x", "a.example"]]},
}
"""FILE.state as s6gen 0.1.0 wrote it, but for its first two lines."""


def load(path: Path) -> State:
    """What is read of a state file."""
    return StateFile(str(path.with_suffix("")), lambda: "").state


def write(path: Path, sections: object) -> Path:
    """Write a state file with a good checksum."""
    content = json.dumps(sections).encode()
    path.write_bytes(b"0 0 []\n%08x\n" % zlib.crc32(content) + content)
    return path


@given(st.binary())
def test_a_damaged_state_is_started_anew(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "chain.state"
    path.write_bytes(content)
    assert load(path) == State()


@given(st.binary())
def test_content_that_is_no_json_is_damage(
    tmp_path_factory: Any, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "chain.state"
    path.write_bytes(b"0 0 []\n%08x\n" % zlib.crc32(content) + content)
    assert load(path) == State()


def test_a_state_is_read_as_it_was_saved(tmp_path: Path) -> None:
    saved = StateFile(str(tmp_path / "chain"), lambda: "[]")
    saved.state = WHOLE
    saved.save()
    assert load(tmp_path / "chain.state") == WHOLE
    assert stat.S_IMODE((tmp_path / "chain.state").stat().st_mode) == 0o600


def test_the_state_of_an_earlier_commit_is_read(tmp_path: Path) -> None:
    assert load(write(tmp_path / "chain.state", OLDER)) == State(
        accounts={"k": KnownAccount("https://ca.example/1", ("mailto:a",))},
        suggestion=Suggestion("a.b", ask=2.5, window=(1.0, 3.0), moment=2.0),
        failure=Failure(3, 1.5, "x", {"csr": "c"}),
        issued=Issued(("https://ca.example", "", "a.example"), ""),
        provisioned=Provisioned("http-01", "/srv", (Challenge("t", "x", "a.example"),)),
    )


@pytest.mark.parametrize(
    ("name", "lost", "attribute"),
    [
        ("renewal", "id", "suggestion"),
        ("failure", "count", "failure"),
        ("failure", "of", "failure"),
        ("answers", "made", "provisioned"),
    ],
)
def test_a_section_that_lacks_a_field_counts_as_absent(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
    lost: str,
    attribute: str,
) -> None:
    section = {key: value for key, value in OLDER[name].items() if key != lost}
    path = write(tmp_path / "chain.state", OLDER | {name: section})
    assert getattr(load(path), attribute) is None
    assert capfd.readouterr().err == (
        f"s6gen-acme: warning: {path}: section {name} is damaged, dropped\n"
    )


@pytest.mark.parametrize(
    ("name", "field", "content", "attribute"),
    [
        ("renewal", "window", [1.0], "suggestion"),
        ("renewal", "ask", 10**400, "suggestion"),
        ("failure", "count", float("inf"), "failure"),
        ("failure", "next", None, "failure"),
        ("failure", "of", "x", "failure"),
        ("answers", "made", [["t", "x"]], "provisioned"),
    ],
)
def test_a_section_with_a_field_of_another_type_counts_as_absent(
    tmp_path: Path, name: str, field: str, content: object, attribute: str
) -> None:
    section = OLDER[name] | {field: content}
    state = load(write(tmp_path / "chain.state", OLDER | {name: section}))
    assert getattr(state, attribute) is None


def test_what_is_not_known_is_passed_over(tmp_path: Path) -> None:
    newer = {name: section | {"new": [1]} for name, section in OLDER.items()}
    newer["accounts"] = OLDER["accounts"]
    state = load(write(tmp_path / "chain.state", newer | {"order": {"url": "x"}}))
    assert state == load(write(tmp_path / "other.state", OLDER))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


FIELDS = sorted({field for section in OLDER.values() for field in section})
SECTION = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON)


@given(st.dictionaries(st.sampled_from(sorted(OLDER)), SECTION))
def test_whatever_a_section_holds_is_a_state(
    tmp_path_factory: Any, sections: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "chain.state"
    assert isinstance(load(write(path, sections)), State)
