"""The JSON Schema of s6gen.toml, for editors: it follows from the parameters."""

import json
from collections.abc import Mapping
from typing import Any

import attrs

from s6gen.configuration.document import DOCUMENT_KEYS, Document
from s6gen.deployment.syntax import KINDS, SYNTAXES, Value, ValueType
from s6gen.services.parameters import help_text
from s6gen.services.renew_lets_encrypt import PARAMETERS, REQUIRED_KEYS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
LIST: Schema = {"type": "array", "items": TEXT}
TEXTS: Schema = {"anyOf": [TEXT, {**LIST, "uniqueItems": True}]}
STEP_VALUES: Mapping[ValueType, Schema] = {
    ValueType.TEXT: TEXT,
    ValueType.NUMBER: NUMBER,
    ValueType.PARTS: LIST,
    ValueType.COMMAND: {"anyOf": [TEXT, LIST]},
}


def schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """Return the schema (JSON Schema 2020-12)."""
    values = {key: value_schema(field) for key, field in PARAMETERS.items()}
    references = {key: {"$ref": f"#/$defs/{key}"} for key in values}
    common = dict(references)
    for key in REQUIRED_KEYS:
        del common[key]
    certificate = closed_table(references, required=list(REQUIRED_KEYS))
    certificates = {"type": "array", "items": {"$ref": "#/$defs/table"}}
    host = closed_table({**common, "certificate": certificates})
    top = {
        DOCUMENT_KEYS[field.name]: type_schema(field)
        for field in attrs.fields(Document)
    }
    top["defaults"] = closed_table(common)
    top["certificate"] = certificates
    top["host"] = {"type": "object", "additionalProperties": host}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "s6gen.toml",
        **closed_table(top),
        "$defs": {**values, "table": certificate},
    }


def closed_table(properties: Schema, required: list[str] | None = None) -> Schema:
    """Return the schema of a table that has no other keys."""
    table: Schema = {"type": "object", "properties": properties}
    if required:
        table["required"] = required
    table["additionalProperties"] = False
    return table


def value_schema(field: "attrs.Attribute[Any]") -> Schema:
    """Return what a parameter may be, with its help."""
    kind = type_schema(field)
    if field.name == "deployments":
        deployment = deployment_schema()
        kind = {"anyOf": [deployment, {"type": "array", "items": deployment}]}
    return {"description": help_text(field), **kind}


def type_schema(field: "attrs.Attribute[Any]") -> Schema:
    """Return what the type of a field says; all others are texts."""
    types: dict[Any, Schema] = {int: NUMBER, bool: FLAG, tuple[str, ...]: TEXTS}
    return types.get(field.type, TEXT)


def deployment_schema() -> Schema:
    """Return what a deployment may be: a text, a preset, or a name and steps."""
    steps = {"type": "array", "items": step_schema()}
    preset = {"type": "object", "properties": {"preset": TEXT}, "required": ["preset"]}
    own = closed_table({"name": TEXT, "steps": steps}, required=["name", "steps"])
    return {"anyOf": [TEXT, preset, own]}


def step_schema() -> Schema:
    """Return what a step may be: any of the values of steps, with one kind."""
    properties = {}
    for syntax in SYNTAXES:
        for value in syntax.values:
            properties[value.key] = step_value_schema(value)
    return {
        "type": "object",
        "properties": properties,
        "oneOf": [{"required": [kind]} for kind in KINDS],
        "additionalProperties": False,
    }


def step_value_schema(value: Value) -> Schema:
    """Return what one value of a step may be."""
    if value.choices:
        return {"enum": list(value.choices)}
    return STEP_VALUES[value.type]
