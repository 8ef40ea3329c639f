"""TOML: what is written is read again, and its lines are counted."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from s6gen.configuration.toml_lines import toml_lines
from s6gen.configuration.toml_text import toml_table


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.one_of(
            st.text(st.characters(codec="utf-8")), st.booleans(), st.lists(st.text())
        ),
    )
)
def test_what_is_written_as_toml_is_read_again(values: dict[str, object]) -> None:
    assert tomllib.loads(toml_table(values)) == values


def test_lines_of_a_document() -> None:
    text = (
        'a = """\n[no]\n= no\n"""\n'  # 1 to 4
        "b.'c d' = [ # ]\n 1,\n [2],\n]\n"  # 5 to 8
        "[t]\n"
        "x = { y = '''\n''' }\n"
        "[[t.u]]\r\n"
        "k = 1\n"
        "[[t.u]]\n"
        "[t.u.v]\n"
        "w = 'a # b'  # c\n"
    )

    assert toml_lines(text) == {
        ("a",): 1,
        ("b", "c d"): 5,
        ("t",): 9,
        ("t", "x"): 10,
        ("t", "u", 0): 12,
        ("t", "u", 0, "k"): 13,
        ("t", "u", 1): 14,
        ("t", "u", 1, "v"): 15,
        ("t", "u", 1, "v", "w"): 16,
    }
