"""The kind of a key that is there, beside the one that is asked for."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from s6gen.acme_client.command_line import KEY_TYPES
from s6gen.acme_client.keys import Key, key_type_warning, kind_of_key, make_key


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_a_key_is_of_the_kind_that_was_made(kind: str) -> None:
    key = make_key(kind)
    assert kind_of_key(key) == kind
    assert key_type_warning("/k", key, kind) == ""


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (make_key("ec384"), "ec384"),
        (ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
    ],
)
def test_another_kind_is_warned_of(key: Key, kind: str) -> None:
    assert key_type_warning("/etc/key", key, "rsa2048") == (
        f"/etc/key: is {kind}, so --key-type rsa2048 has no effect: "
        "move the key away, or use --new-key"
    )
