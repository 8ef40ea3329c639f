"""From values by name to checked parameters: cattrs structures them, and every mistake is told."""

import difflib
import functools
import operator
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from s6gen.configuration.layers import Layer, effective
from s6gen.deployment import table as deploy_table
from s6gen.errors import Fatal
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.services.validators import key_of

T = TypeVar("T")
FIELDS = {field.name: field for field in attrs.fields(RenewLetsEncrypt)}
KEYS = tuple(map(key_of, FIELDS.values()))
"""All that a certificate may say."""


@attrs.frozen
class Mistake:
    """Something wrong with a key, and where that is written."""

    key: str
    message: str
    layer: Layer | None = None
    """Nothing where the whole certificate is at fault."""


def exactly(kind: type[T], what: str) -> Any:
    """A hook that takes values of one type, and converts none."""

    def hook(value: Any, _: type) -> T:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Fatal(f"must be {what}: {value!r}")
        return value

    return hook


def several(value: Any, _: type) -> tuple[str, ...]:
    """One string, or a list of them."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(
        isinstance(one, str) for one in values
    ):
        raise Fatal(f"must be a string, or a list of strings: {value!r}")
    return tuple(values)


def tables(value: Any, _: object) -> list[dict[str, Any]]:
    """An array of tables."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Fatal("must be tables, each under a [[header]] of its own")
    return value


def deployments(value: Any, _: type) -> tuple[str, ...]:
    """Strings as for --deploy, and tables that say the same."""
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, str | dict) for one in values):
        raise Fatal(f"must be a list of strings or tables: {value!r}")
    return tuple(
        deploy_table.as_text(one) if isinstance(one, dict) else one for one in values
    )


def converter() -> cattrs.Converter:
    """What turns tables into objects: no type is converted, no key is passed over."""
    made = cattrs.Converter(forbid_extra_keys=True)
    made.register_structure_hook(str, exactly(str, "a string"))
    made.register_structure_hook(int, exactly(int, "a whole number"))
    made.register_structure_hook(bool, exactly(bool, "true or false"))
    for kind, hook in (
        (dict[str, Any], exactly(dict, "a table")),
        (dict[str, dict[str, Any]], exactly(dict, "tables")),
        (list[dict[str, Any]], tables),
        (tuple[str, ...], several),
    ):
        made.register_structure_hook_func(functools.partial(operator.eq, kind), hook)
    return made


@functools.cache
def certificates() -> cattrs.Converter:
    """A converter that checks each parameter on its own, so that all mistakes are found."""
    plain, made = converter(), converter()

    def checked(value: Any, kind: type, *, field: "attrs.Attribute[Any]") -> Any:
        hook = deployments if field.name == "deployments" else plain.structure
        structured = hook(value, kind)
        final = field.converter(structured) if callable(field.converter) else structured
        if field.validator:
            field.validator(None, field, final)
        return structured

    hook = make_dict_structure_fn(
        RenewLetsEncrypt,
        made,
        _cattrs_forbid_extra_keys=True,
        **{  # type: ignore[arg-type]
            name: override(
                rename=key_of(field),
                struct_hook=functools.partial(checked, field=field),
            )
            for name, field in FIELDS.items()
        },
    )
    made.register_structure_hook(RenewLetsEncrypt, hook)
    return made


def structure(layers: Iterable[Layer]) -> RenewLetsEncrypt | list[Mistake]:
    """The certificate that layers of values ask for, or all that is wrong with them."""
    values = effective(layers)
    try:
        return certificates().structure(
            {key: value for key, (value, _) in values.items()}, RenewLetsEncrypt
        )
    except cattrs.ClassValidationError as error:
        found = dict.fromkeys(
            mistakes(error, {n: key_of(f) for n, f in FIELDS.items()}, KEYS)
        )
        return [
            attrs.evolve(one, layer=values[one.key][1]) if one.key in values else one
            for one in found
        ]


def mistakes(
    error: cattrs.ClassValidationError, names: dict[str, str], keys: Iterable[str]
) -> Iterator[Mistake]:
    """What cattrs found, one by one."""
    for one in error.exceptions:
        key = next((names[note.name] for note in notes(one) if note.name in names), "")
        if isinstance(one, cattrs.ForbiddenExtraKeysError):
            yield from (
                Mistake(extra, unknown(extra, keys))
                for extra in sorted(one.extra_fields)
            )
        elif isinstance(one, KeyError):
            yield Mistake(key, "is missing")
        elif isinstance(one, Fatal):
            key = key or first_option(str(one))
            yield Mistake(key, str(one).removeprefix(f"--{key}: "))
        else:
            raise one


def notes(error: BaseException) -> Iterable[cattrs.AttributeValidationNote]:
    """Which attribute cattrs was at."""
    found = getattr(error, "__notes__", ())
    return (note for note in found if isinstance(note, cattrs.AttributeValidationNote))


def first_option(message: str) -> str:
    """The option that a message begins with."""
    option = message.partition(":")[0]
    return option.removeprefix("--") if option.removeprefix("--") in KEYS else ""


def unknown(key: str, keys: Iterable[str]) -> str:
    """What is said of a key that is none."""
    near = difflib.get_close_matches(key, list(keys), 1, 0.6)
    return "no such key" + (f": did you mean {near[0]}?" if near else "")
