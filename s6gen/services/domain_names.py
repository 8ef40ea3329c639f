"""The names in a certificate: converted, and refused where no CA can certify them.

The ACME client has a copy of the conversion, because it uses nothing of s6gen; a test
ties the two.
"""

import re
from collections.abc import Iterable
from typing import Any

import attrs

from s6gen.errors import Fatal
from s6gen.services.parameters import option_name

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def domain_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return names as the certificate has them, in their order."""
    return tuple(map(domain_name, texts))


def domain_name(text: str) -> str:
    """Return a name as a certificate has it: lower case, in ASCII (RFC 5891).

    Raises Fatal for a name in Unicode that is not an internationalised domain name.
    """
    if text.isascii() or shape_fault(text):
        return text.lower()
    import idna  # few need it, and it takes as long to load as everything else

    try:
        return idna.encode(text, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise Fatal(
            f"--domain: {text!r} is not an internationalised name: {error}"
        ) from None


def check_domain(_: object, field: "attrs.Attribute[Any]", name: str) -> None:
    """Refuse what no CA can certify over HTTP-01 (RFC 1035; RFC 8555 section 8.3)."""
    fault = domain_fault(name)
    if fault:
        raise Fatal(f"{option_name(field)}: {name!r} {fault}")


def domain_fault(name: str) -> str | None:
    """Tell what is wrong with a name, or None."""
    fault = shape_fault(name)
    if fault:
        return fault
    if len(name) > 253:
        return "is longer than 253 characters"
    return first_label_fault(name.split("."))


def shape_fault(name: str) -> str | None:
    """Tell why a text is something else than the name of one host, or None."""
    if name == "":
        return "is empty"
    if "/" in name:
        return "is not a name: give it without scheme and path"
    if name.startswith("*."):
        return "is a wildcard, which HTTP-01 cannot prove: name each host"
    if is_address(name):
        return "is an address: give a name"
    if ":" in name:
        return "is not a name: give it without port"
    if name.endswith("."):
        return "must not end in '.'"
    return None


def is_address(name: str) -> bool:
    """Tell whether a text is an IPv6 address, or ends in a number as IPv4 ones do."""
    return name.count(":") > 1 or name.split(".")[-1].isdigit()


def first_label_fault(labels: Iterable[str]) -> str | None:
    """Tell what is wrong with the parts of a name, or None."""
    for label in labels:
        fault = label_fault(label)
        if fault:
            return fault
    return None


def label_fault(label: str) -> str | None:
    """Tell what is wrong with a part of a name, or None (RFC 1035 section 2.3.1)."""
    if label == "":
        return "has an empty label"
    if len(label) > 63:
        return "has a label longer than 63 characters"
    if not LABEL.fullmatch(label):
        return (
            f"has a label that is not of letters, digits and inner hyphens: {label!r}"
        )
    return None
