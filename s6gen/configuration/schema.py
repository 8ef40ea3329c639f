"""The JSON Schema of s6gen.toml, for editors; what it says follows from the parameters."""

import json
from typing import Any

import attrs

from s6gen.configuration.document import KEYS, Document
from s6gen.deployment.table import KINDS
from s6gen.services.parameters import FIELDS, PARAMETERS
from s6gen.services.validators import key_of

TEXT = {"type": "string"}
TEXTS = {"anyOf": [TEXT, {"type": "array", "items": TEXT, "uniqueItems": True}]}
HELP = {str(option.name): option.help for option in PARAMETERS}
STEP = {
    "type": "object",
    "properties": {
        "copy": {"enum": ["chain", "certificate", "issuers", "key"]},
        "combine": {"type": "array", "items": TEXT},
        "to": TEXT,
        "owner": TEXT,
        "group": TEXT,
        "mode": TEXT,
        "reload": TEXT,
        "signal": TEXT,
        "through": {"enum": ["s6-svc", "s6-rc"]},
        "restart": TEXT,
        "run": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
        "user": TEXT,
        "timeout": {"type": "integer"},
    },
    "oneOf": [{"required": [kind]} for kind in KINDS],
    "additionalProperties": False,
}
DEPLOYMENT = {
    "anyOf": [
        TEXT,
        {"type": "object", "properties": {"preset": TEXT}, "required": ["preset"]},
        {
            "type": "object",
            "properties": {"name": TEXT, "steps": {"type": "array", "items": STEP}},
            "required": ["name", "steps"],
            "additionalProperties": False,
        },
    ]
}
SPECIAL = {
    "deployments": {"anyOf": [DEPLOYMENT, {"type": "array", "items": DEPLOYMENT}]}
}


def schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12)."""
    values = {key_of(field): value_schema(field) for field in FIELDS.values()}
    keys = {key: {"$ref": f"#/$defs/{key}"} for key in values}
    common = {key: one for key, one in keys.items() if key not in ("page", "domain")}
    certificate = {
        "type": "object",
        "properties": keys,
        "required": ["page", "domain"],
        "additionalProperties": False,
    }
    listed = {"type": "array", "items": {"$ref": "#/$defs/table"}}
    host = {
        "type": "object",
        "properties": {**common, "certificate": listed},
        "additionalProperties": False,
    }
    tables = {
        "defaults": {
            "type": "object",
            "properties": common,
            "additionalProperties": False,
        },
        "certificate": listed,
        "host": {"type": "object", "additionalProperties": host},
    }
    own = {KEYS[one.name]: own_schema(one) for one in attrs.fields(Document)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "s6gen.toml",
        "type": "object",
        "properties": {**own, **tables},
        "additionalProperties": False,
        "$defs": {**values, "table": certificate},
    }


def value_schema(field: "attrs.Attribute[Any]") -> dict[str, Any]:
    """What a parameter may be."""
    kinds: dict[Any, dict[str, Any]] = {
        int: {"type": "integer"},
        bool: {"type": "boolean"},
        tuple[str, ...]: TEXTS,
    }
    return {
        "description": HELP[field.name],
        **SPECIAL.get(field.name, kinds.get(field.type, TEXT)),
    }


def own_schema(field: "attrs.Attribute[Any]") -> dict[str, Any]:
    """What a key at the top of the file may be."""
    return {"type": "boolean"} if field.type is bool else TEXT


def schema_text() -> str:
    """The schema as it is published."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
