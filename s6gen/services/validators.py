"""What a parameter may be. Each check names the option at fault and says what must hold."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import attrs

from s6gen.errors import Fatal
from s6gen.names import (
    is_directory_below_root,
    is_file_name,
    is_interpreter,
    is_service_name,
)

T = TypeVar("T")
Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def option(attribute: "attrs.Attribute[Any]") -> str:
    """The option of the command line that sets an attribute."""
    return "--" + str(attribute.metadata.get("option", attribute.name)).replace(
        "_", "-"
    )


def key_of(field: "attrs.Attribute[Any]") -> str:
    """What a parameter is called in a file: its option, without the dashes."""
    return option(field).removeprefix("--")


def must(holds: Callable[[str], bool], what: str) -> Validator:
    """Refuse a text of which `holds` is false, saying what it must be."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
        if "\0" in value:
            raise Fatal(f"{option(attribute)}: contains a null character: {value!r}")
        if not holds(value):
            raise Fatal(f"{option(attribute)}: must be {what}: {value!r}")

    return check


def each(validator: Validator) -> Validator:
    """Apply a check to every member."""

    def check(
        instance: object, attribute: "attrs.Attribute[Any]", values: Iterable[str]
    ) -> None:
        for value in values:
            validator(instance, attribute, value)

    return check


def between(lowest: int, highest: int) -> Validator:
    """Refuse a number outside a range."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: int) -> None:
        if not lowest <= value <= highest:
            raise Fatal(
                f"{option(attribute)}: must be from {lowest} to {highest}: {value}"
            )

    return check


def not_twice(
    _: object, attribute: "attrs.Attribute[Any]", values: tuple[str, ...]
) -> None:
    """Refuse a value that is given twice."""
    for value in values:
        if values.count(value) > 1:
            raise Fatal(f"{option(attribute)}: given twice: {value!r}")


directory = must(is_directory_below_root, "an absolute path without '..'")
file = directory
interpreter = must(
    is_interpreter, "an absolute path without white space, of at most 100 bytes"
)
service_name = must(
    is_service_name,
    "at most 200 letters, digits and _ - . @, not beginning with - . @ s6rc- or s6-rc-",
)
account = must(
    lambda name: (
        name != "" and not re.search(r"[:\s]", name) and not name.startswith("-")
    ),
    "the name of an account",
)
page = must(
    lambda name: is_file_name(name) and not name.startswith("."),
    "one name in the web root, without '/', not beginning with '.'",
)


def normal_path(path: str) -> str:
    """The path without what does not change it: double and trailing slashes, '.'."""
    if not path.startswith("/") or "\0" in path:
        return path
    kept = [part for part in path.split("/") if part not in ("", ".")]
    return "/" + "/".join(kept)


def domain_name(text: str) -> str:
    """A name as a certificate has it: lower case, IDN in its ASCII form (RFC 5891)."""
    if text.isascii() or shape_fault(text):
        return text.lower()
    import idna  # only for the few who need it: it takes as long as the whole rest to load

    try:
        return idna.encode(text, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise Fatal(
            f"--domain: {text!r} is not an internationalised name: {error}"
        ) from None


def domain(_: object, attribute: "attrs.Attribute[Any]", name: str) -> None:
    """Refuse what no CA can certify over HTTP-01 (RFC 1035; RFC 8555 section 8.3)."""
    reason = domain_fault(name)
    if reason:
        raise Fatal(f"{option(attribute)}: {name!r} {reason}")


def domain_fault(name: str) -> str | None:
    """What is wrong with a name, or nothing."""
    if fault := shape_fault(name):
        return fault
    if len(name) > 253:
        return "is longer than 253 characters"
    return next(filter(None, map(label_fault, name.split("."))), None)


def shape_fault(name: str) -> str | None:
    """Why a text is something else than a name of one host, or nothing."""
    if name == "":
        return "is empty"
    if "/" in name:
        return "is not a name: give it without scheme and path"
    if name.startswith("*."):
        return "is a wildcard, which HTTP-01 cannot prove: name each host"
    if name.count(":") > 1 or name.split(".")[-1].isdigit():
        return "is an address: give a name"
    if ":" in name:
        return "is not a name: give it without port"
    return "must not end in '.'" if name.endswith(".") else None


def label_fault(label: str) -> str | None:
    """What is wrong with a part of a name, or nothing (RFC 1035 section 2.3.1)."""
    if label == "":
        return "has an empty label"
    if len(label) > 63:
        return "has a label longer than 63 characters"
    if not LABEL.fullmatch(label):
        return (
            f"has a label that is not of letters, digits and inner hyphens: {label!r}"
        )
    return None
