"""From values by their keys to checked certificates: cattrs collects every mistake."""

import difflib
import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from s6gen.configuration.layers import (
    BUILT_IN,
    HostLayers,
    Layer,
    Layers,
    effective_values,
)
from s6gen.configuration.mistakes import Message, Mistake, fatals_of, message_in
from s6gen.configuration.toml_file import read_text
from s6gen.deployment import table as deployment_table
from s6gen.errors import Fatal
from s6gen.services.renew_lets_encrypt import PARAMETERS, RenewLetsEncrypt

T = TypeVar("T")

MOST = 99
"""Mistakes that are told: who has more corrects these first."""
MAX_MEMBERS = 1000
"""Members of a list. A certificate of Let's Encrypt has 100 names at most."""
LONGEST = 1000
"""Characters of a value in a message."""
LONGEST_KEY = 40
"""Characters of a key that may be a typing error: twice those of any key."""

KEY_OF_ATTRIBUTE = {field.name: key for key, field in PARAMETERS.items()}


def structure_certificates(
    hosts: HostLayers,
) -> dict[str | None, list[RenewLetsEncrypt]]:
    """Return the certificates of each host. Raises Fatals with all mistakes in them."""
    certificates: dict[str | None, list[RenewLetsEncrypt]] = {}
    messages: list[Message] = []
    for host, host_layers in hosts.items():
        certificates[host] = []
        for layers in host_layers:
            if len(messages) > MOST:
                break
            result = structure_certificate(layers)
            if isinstance(result, RenewLetsEncrypt):
                certificates[host].append(result)
            else:
                messages += [message_of(mistake, layers) for mistake in result]
    if messages:
        raise fatals_of(messages)
    return certificates


def message_of(mistake: Mistake, layers: Layers) -> Message:
    """Return the message for a mistake in a certificate of these layers."""
    layer = mistake.layer
    if layer is None or layer.source == BUILT_IN:
        layer = own_layer(layers)
    if layer.is_file:
        path = Path(layer.source)
        return message_in(path, read_text(path), attrs.evolve(mistake, layer=layer))
    if mistake.key:
        return Message("", 0, f"--{mistake.key}: {mistake.message}")
    return Message("", 0, mistake.message)


def own_layer(layers: Layers) -> Layer:
    """Return the layer to blame for a certificate: the uppermost that is in a file."""
    for layer in layers[::-1]:
        if layer.is_file:
            return layer
    return layers[-1]


def structure_certificate(layers: Iterable[Layer]) -> RenewLetsEncrypt | list[Mistake]:
    """Return the certificate of some layers, or all that is wrong with their values."""
    effective = effective_values(layers)
    values = {key: value for key, (value, _) in effective.items()}
    try:
        return certificate_converter().structure(values, RenewLetsEncrypt)
    except cattrs.ClassValidationError as error:
        wrong = dict.fromkeys(mistakes(error, KEY_OF_ATTRIBUTE))
    placed = []
    for mistake in wrong:
        _, layer = effective.get(mistake.key, (None, None))
        placed.append(attrs.evolve(mistake, layer=layer))
    return placed


# How values become attributes: no type is converted, no key is passed over.


def exact_type(kind: type[T], what: str) -> Any:
    """Return a hook that takes values of one type; `what` names it in the message."""

    def hook(value: Any, _: type) -> T:
        is_wrong_bool = kind is int and isinstance(value, bool)
        if is_wrong_bool or not isinstance(value, kind):
            raise Fatal(f"must be {what}: {shown(value)}")
        return value

    return hook


def shown(value: Any) -> str:
    """Return a value as a message shows it: its beginning, if it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def structure_texts(value: Any, _: type) -> tuple[str, ...]:
    """Take one string, or a list of them."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and deployment_table.all_are(value, str):
        return tuple(value)
    raise Fatal(f"must be a string, or a list of strings: {shown(value)}")


def structure_tables(value: Any, _: object) -> list[dict[str, Any]]:
    """Take an array of tables."""
    if isinstance(value, list) and deployment_table.all_are(value, dict):
        return value
    raise Fatal("must be tables, each under a [[header]] of its own")


def structure_deployments(value: Any, _: type) -> tuple[str, ...]:
    """Take strings as for --deploy, and tables that say the same; one, or a list."""
    members = value if isinstance(value, list | tuple) else [value]
    if not deployment_table.all_are(members, str | dict):
        raise Fatal(f"must be a list of strings or tables: {shown(value)}")
    return tuple(map(deployment_text, members))


def deployment_text(deployment: str | dict[str, Any]) -> str:
    """Return a deployment as text. Raises Fatal for a table that no text can say."""
    if isinstance(deployment, dict):
        return deployment_table.as_text(deployment)
    return deployment


def exact_converter() -> cattrs.Converter:
    """Return a converter that takes each value only as the type that it has to be."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, exact_type(str, "a string"))
    converter.register_structure_hook(int, exact_type(int, "a whole number"))
    converter.register_structure_hook(bool, exact_type(bool, "true or false"))
    for kind, hook in (
        (dict[str, Any], exact_type(dict, "a table")),
        (dict[str, dict[str, Any]], exact_type(dict, "tables")),
        (list[dict[str, Any]], structure_tables),
        (tuple[str, ...], structure_texts),
    ):
        is_kind = functools.partial(operator.eq, kind)
        converter.register_structure_hook_func(is_kind, hook)
    return converter


@functools.cache
def certificate_converter() -> cattrs.Converter:
    """Return a converter that checks each parameter alone: no mistake hides another."""
    converter = exact_converter()
    plain = exact_converter()
    overrides: dict[str, Any] = {}
    for key, field in PARAMETERS.items():
        hook = functools.partial(structure_parameter, plain, field)
        overrides[field.name] = override(rename=key, struct_hook=hook)
    converter.register_structure_hook(
        RenewLetsEncrypt,
        make_dict_structure_fn(
            RenewLetsEncrypt, converter, _cattrs_forbid_extra_keys=True, **overrides
        ),
    )
    return converter


def structure_parameter(
    plain: cattrs.Converter, field: "attrs.Attribute[Any]", value: Any, kind: type
) -> Any:
    """Return the value of a parameter, checked with the validator of its field."""
    refuse_long(value)
    if field.name == "deployments":
        structured: Any = structure_deployments(value, kind)
    else:
        structured = plain.structure(value, kind)
    converted = structured
    if callable(field.converter):
        converted = field.converter(structured)
    if field.validator:
        field.validator(None, field, converted)
    return structured


def refuse_long(value: Any) -> None:
    """Raise Fatal for a list with too many members."""
    if isinstance(value, list | tuple) and len(value) > MAX_MEMBERS:
        raise Fatal(f"has more than {MAX_MEMBERS} members")


# What cattrs found.


def mistakes(
    error: cattrs.ClassValidationError, keys: Mapping[str, str]
) -> Iterator[Mistake]:
    """Yield the mistakes that cattrs found. `keys` has the key of each attribute."""
    for cause in error.exceptions:
        if isinstance(cause, cattrs.ForbiddenExtraKeysError):
            yield from unknown_keys(cause, keys.values())
        elif isinstance(cause, KeyError):
            yield Mistake(noted_key(cause, keys), "is missing")
        elif isinstance(cause, Fatal):
            yield refused_value(cause, noted_key(cause, keys))
        else:
            raise cause


def refused_value(fatal: Fatal, key: str) -> Mistake:
    """Return the mistake that a check of s6gen's own has found.

    Without a key it is about parameters that do not fit together.
    """
    message = str(fatal)
    if not key:
        key = leading_key(message)
    return Mistake(key, message.removeprefix(f"--{key}: "))


def unknown_keys(
    error: cattrs.ForbiddenExtraKeysError, keys: Iterable[str]
) -> Iterator[Mistake]:
    """Yield a mistake for each key that does not exist."""
    unknown = sorted(error.extra_fields)
    for key in unknown[:MOST]:
        yield Mistake(key, unknown_key(key, keys))
    if len(unknown) > MOST:
        yield Mistake(unknown[MOST], f"and {len(unknown) - MOST - 1} more keys unknown")


def noted_key(error: BaseException, keys: Mapping[str, str]) -> str:
    """Return the key that cattrs was at, or an empty text."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, cattrs.AttributeValidationNote) and note.name in keys:
            return keys[note.name]
    return ""


def leading_key(message: str) -> str:
    """Return the key of the option that a message begins with, or an empty text."""
    key = message.partition(":")[0].removeprefix("--")
    return key if key in PARAMETERS else ""


def unknown_key(key: str, keys: Iterable[str]) -> str:
    """Return the message for a key that does not exist, with the nearest that does."""
    near: list[str] = []
    if len(key) <= LONGEST_KEY:
        near = difflib.get_close_matches(key, list(keys), 1, 0.6)
    if not near:
        return "no such key"
    return f"no such key: did you mean {near[0]}?"
