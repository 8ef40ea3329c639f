"""Certificates that share a logger agree on all that it is rendered from."""

import contextlib
from typing import Any

import attrs

from s6gen.errors import Fatal
from s6gen.services.conflicts import LOG_KEYS
from s6gen.services.renew_lets_encrypt import PARAMETERS, RenewLetsEncrypt

SITE: dict[str, Any] = {"page": "example", "domains": ("example.org",)}
NAMES = {"service", "log-service"}
"""They tell which logger it is, and which services it reads."""
OWN = {"service", "producers", "pipeline", "command_line"}
"""What of a logger may differ: who shares it, and which command rendered it."""


def logger(**parameters: Any) -> dict[str, object]:
    """What the logger of a certificate is rendered from."""
    made = RenewLetsEncrypt(**SITE | parameters).logger
    return {
        name: value for name, value in attrs.asdict(made).items() if name not in OWN
    }


def others(value: object) -> list[object]:
    """Other values of the same kind; a parameter may allow only some of them."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 5000, value + 1]
    if isinstance(value, str):
        return [f"{value}x"]
    return []


def changes_the_logger(name: str, value: object) -> bool:
    """Whether the logger is rendered from a parameter, which has this default."""
    for other in others(value):
        with contextlib.suppress(Fatal):
            return logger(**{name: other}) != logger()
    return False


def test_each_parameter_of_the_logger_is_compared() -> None:
    certificate = RenewLetsEncrypt(**SITE)
    changing = set()
    for key, field in PARAMETERS.items():
        if key in ("ca", "client", "page"):
            continue  # no value of its kind is as easily made; the logger has none
        if changes_the_logger(field.name, getattr(certificate, field.name)):
            changing.add(key)
    assert changing - NAMES == set(LOG_KEYS)
