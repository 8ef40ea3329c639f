"""Checks of parameters. Each names the option at fault and says what must hold."""

import functools
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from s6gen.errors import Fatal
from s6gen.names import (
    RESERVED,
    is_account_name,
    is_directory_below_root,
    is_interpreter,
    is_service_name,
    is_visible_file_name,
)
from s6gen.services.parameters import option_name
from s6gen.shell import shell_words

if TYPE_CHECKING:
    from s6gen.deployment.steps import Target

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]

AUTHORITIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
"""The CAs that have a name, and the URLs of their ACME directories.

The ACME client has a copy, because it uses nothing of s6gen; a test ties the two.
"""
CLIENTS = ("bundled", "installed", "acme-tiny")
"""The clients that have a name, and are given their options by s6gen."""


def must(holds: Callable[[str], bool], what: str) -> Validator:
    """Return a check that refuses a text unless `holds`; `what` is for the message."""

    def check(_: object, field: "attrs.Attribute[Any]", value: str) -> None:
        if "\0" in value:
            raise Fatal(f"{option_name(field)}: contains a null character: {value!r}")
        if not holds(value):
            raise Fatal(f"{option_name(field)}: must be {what}: {value!r}")

    return check


def each(validator: Validator) -> Validator:
    """Return a check that applies another one to every member of a tuple."""

    def check(
        instance: object, field: "attrs.Attribute[Any]", values: Iterable[str]
    ) -> None:
        for value in values:
            validator(instance, field, value)

    return check


def between(lowest: int, highest: int) -> Validator:
    """Return a check that refuses a number outside a range."""

    def check(_: object, field: "attrs.Attribute[Any]", value: int) -> None:
        if not lowest <= value <= highest:
            raise Fatal(
                f"{option_name(field)}: must be from {lowest} to {highest}: {value}"
            )

    return check


def not_twice(
    _: object, field: "attrs.Attribute[Any]", values: tuple[str, ...]
) -> None:
    """Refuse a value that is given twice."""
    for value in values:
        if values.count(value) > 1:
            raise Fatal(f"{option_name(field)}: given twice: {value!r}")


def is_authority(ca: str) -> bool:
    """Tell whether a CA is one that has a name, or the URL of another one."""
    return ca in AUTHORITIES or is_directory_url(ca)


def is_directory_url(text: str) -> bool:
    """Tell whether a text is an https URL (RFC 8555 section 6.1)."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:  # no URL, or a port that is none
        return False
    if url.scheme != "https":
        return False
    if not url.hostname or port == 0:
        return False
    return re.search(r"\s", text) is None


def client_words(text: str) -> tuple[str, ...]:
    """Return the words of a client's command line. Raises Fatal for an open quote."""
    try:
        return shell_words(text)
    except ValueError as error:
        raise Fatal(f"--client: {error}: {text!r}") from None


def is_client(text: str) -> bool:
    """Tell whether a text has a command, which snooze does not take for an option."""
    words = client_words(text)
    if not words:
        return False
    return words[0] != "" and not words[0].startswith("-")


@functools.cache
def targets(texts: tuple[str, ...]) -> "tuple[Target, ...]":
    """Return the targets of a deployment: what the values of --deploy say.

    Raises Fatal for what cannot be deployed.
    """
    if not texts:
        return ()
    from s6gen.deployment import text  # only for those who deploy: it is slow to import

    return text.targets(texts)


def deployments(_: object, __: object, texts: tuple[str, ...]) -> None:
    """Refuse what cannot be deployed."""
    targets(texts)


def is_url(text: str) -> bool:
    """Tell whether a text begins as a URL does (RFC 3986 section 3.1)."""
    return re.match(r"[a-z][a-z0-9+.-]*:.", text, re.DOTALL) is not None


directory = must(is_directory_below_root, "an absolute path without '..'")
file = directory
interpreter = must(
    is_interpreter, "an absolute path without white space, of at most 100 bytes"
)
service_name = must(
    is_service_name,
    "at most 200 letters, digits and _ - . @, not beginning with - . @ "
    + " or ".join(RESERVED),
)
account = must(is_account_name, "the name of an account")
page = must(
    is_visible_file_name,
    "one name in the web root, without '/', not beginning with '.'",
)
authority = must(is_authority, "letsencrypt, letsencrypt-staging or an https URL")
client = must(is_client, "bundled, installed, acme-tiny or a command line")
contact = must(is_url, "an address or a URL such as mailto:hostmaster@example.org")


def in_order(texts: Iterable[str]) -> tuple[str, ...]:
    """Return values in the order in which they were given."""
    return tuple(texts)


def normal_path(path: str) -> str:
    """Return a path without double and trailing slashes and without '.'.

    What is not an absolute path stays as it is, so that the check can show it.
    """
    if not path.startswith("/") or "\0" in path:
        return path
    kept = [part for part in path.split("/") if part not in ("", ".")]
    return "/" + "/".join(kept)


def contact_urls(texts: Iterable[str]) -> tuple[str, ...]:
    """Return contacts as RFC 8555 (section 7.3) wants them: URLs.

    A mail address becomes a mailto URL.
    """
    urls = []
    for text in texts:
        is_address = "@" in text and ":" not in text
        urls.append(f"mailto:{text}" if is_address else text)
    return tuple(urls)
