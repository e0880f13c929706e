"""The standard's own JSON schemas as judges of documents, and our classes written down in the same language.

The schemas are not part of this repository: S2_SPEC_DIR names the folder that holds `s2-json/<version>/`. Where we
differ from them on purpose (see `s2.messages.model`), they can be mended first: ids are anchored, objects are objects,
date-times are judged, numbers are finite and durations bounded. The judge itself is the jsonschema package and what is
written here; nothing of it is shared with our models.
"""

from __future__ import annotations

import json
import math
import os
import re
from datetime import UTC, datetime, timedelta, timezone
from enum import EnumType
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

from annotated_types import MaxLen, MinLen
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend
from pydantic.fields import FieldInfo

from s2.messages import MAX_DURATION_MS, DDBCSystemDescription
from s2.messages.model import Duration, Flag, Id, Number, Text, Timestamp
from s2.versions import WireProfile

SPEC_DIR: Final = os.environ.get("S2_SPEC_DIR")

Schema = dict[str, Any]

_SUFFIX = ".schema.json"
_ID = "[a-zA-Z0-9\\-_:]{2,64}"

_date_time = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
).fullmatch


def schema_files(profile: WireProfile) -> dict[str, Schema]:
    """All schema files of a version as they are, by name: messages and components."""
    root = Path(SPEC_DIR or "") / "s2-json" / profile
    return {
        path.name.removesuffix(_SUFFIX): json.loads(path.read_text()) for path in sorted(root.glob(f"*/*{_SUFFIX}"))
    }


@cache
def message_schemas(profile: WireProfile, *, mended: bool = True) -> dict[str, Schema]:
    """The schema of each message with all references filled in, by message_type."""
    files = schema_files(profile)
    if mended:
        files = {name: _mended(schema) for name, schema in files.items()}
    whole = (_filled_in(schema, files) for schema in files.values() if "message_type" in schema.get("properties", {}))
    return {schema["properties"]["message_type"]["const"]: schema for schema in whole}


def is_valid(document: Any, profile: WireProfile, *, mended: bool = True) -> bool:
    """Whether the document is a message by the schema that its message_type names."""
    named = document.get("message_type") if isinstance(document, dict) else None
    judge = _judges(profile, mended).get(named) if isinstance(named, str) else None
    return judge is not None and bool(judge.is_valid(document))


def faults_of(document: Any, profile: WireProfile) -> list[str]:
    """What the mended schema has against a message, for a person to read."""
    judge = _judges(profile, mended=True)[document["message_type"]]
    return [f"{error.json_path}: {error.message}" for error in judge.iter_errors(document)]


def moment_of(text: str) -> datetime | None:
    """Read a date-time of RFC 3339 as far as Python can hold it, cut to microseconds; None for other text."""
    match = _date_time(text)
    if match is None:
        return None
    *parts, fraction, sign, offset_hours, offset_minutes = match.groups()
    if sign and (int(offset_hours) > 23 or int(offset_minutes) > 59):
        return None
    offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes)) if sign else timedelta(0)
    year, month, day, hour, minute, second = map(int, parts)
    micros = int(f"{fraction or ''}000000"[:6])
    zone = timezone(-offset if sign == "-" else offset)
    try:
        moment = datetime(year, month, day, hour, minute, second, micros, zone)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def shape_of(schema: Any) -> Any:
    """What of a schema says yes or no, without titles, descriptions and the order of keys."""
    if not isinstance(schema, dict):
        return schema
    shape = {key: value for key, value in schema.items() if key not in ("$id", "title", "description", "format")}
    if schema.get("format") == "date-time":
        shape["format"] = "date-time"
    for key, normal in (("required", sorted), ("enum", sorted), ("items", shape_of)):
        if key in shape:
            shape[key] = normal(shape[key])
    if "properties" in shape:
        shape["properties"] = {name: shape_of(inner) for name, inner in shape["properties"].items()}
    return shape


def schema_of(message_class: type[Any], profile: WireProfile) -> Schema:
    """One of our classes, message or component, in the language of the schemas."""
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for name, hint in get_type_hints(message_class, include_extras=True).items():
        wire_name = _wire_name(message_class, name)
        optional = get_origin(hint) is Annotated and NoneType in get_args(get_args(hint)[0])
        if message_class is DDBCSystemDescription and name == "present_demand_rate":
            # The one field on which the versions disagree, which the parser looks after.
            if profile is WireProfile.V1_0_0:
                continue
            optional = False
        properties[wire_name] = _schema_of_hint(hint, profile)
        if not optional:
            required.append(wire_name)
    return {"type": "object", "properties": properties, "required": sorted(required), "additionalProperties": False}


def _schema_of_hint(hint: Any, profile: WireProfile) -> Schema:
    for scalar, schema in _SCALARS:
        if hint == scalar:
            return schema
    if get_origin(hint) is Annotated:
        inner, *metadata = get_args(hint)
        return _array_of(inner, metadata, profile) if get_origin(inner) is tuple else _schema_of_hint(inner, profile)
    if get_origin(hint) is Literal:
        return {"type": "string", "const": get_args(hint)[0]}
    if get_origin(hint) is UnionType or NoneType in get_args(hint):
        (present,) = (member for member in get_args(hint) if member is not NoneType)
        return _schema_of_hint(present, profile)
    if isinstance(hint, EnumType):
        return {"type": "string", "enum": sorted(hint)}
    return schema_of(hint, profile)


def _array_of(inner: Any, metadata: list[Any], profile: WireProfile) -> Schema:
    schema: Schema = {"type": "array", "items": _schema_of_hint(get_args(inner)[0], profile)}
    for bound in (each for info in metadata if isinstance(info, FieldInfo) for each in info.metadata):
        if isinstance(bound, MinLen):
            schema["minItems"] = bound.min_length
        if isinstance(bound, MaxLen):
            schema["maxItems"] = bound.max_length
    return schema


def _wire_name(message_class: type[Any], name: str) -> str:
    field = message_class.__pydantic_fields__[name]
    return field.serialization_alias or name


_SCALARS: Final[tuple[tuple[object, Schema], ...]] = (
    (Id, {"type": "string", "pattern": f"^(?:{_ID})(?![\\s\\S])"}),
    (Number, {"type": "number"}),
    (Duration, {"type": "integer", "minimum": 0, "maximum": MAX_DURATION_MS}),
    (Timestamp, {"type": "string", "format": "date-time"}),
    (Flag, {"type": "boolean"}),
    (Text, {"type": "string"}),
)


def _filled_in(schema: Any, files: dict[str, Schema]) -> Any:
    """The schema with the files in the places of the references; no schema of S2 contains itself."""
    if isinstance(schema, list):
        return [_filled_in(part, files) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _filled_in(files[schema["$ref"].rpartition("/")[2].removesuffix(_SUFFIX)], files)
    # Without "$schema" and "$id" the parts are judged by our validator, not looked up by the library's own.
    return {key: _filled_in(part, files) for key, part in schema.items() if key not in ("$schema", "$id")}


def _mended(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_mended(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    mended = {key: _mended(part) for key, part in schema.items()}
    if "additionalProperties" in schema:
        mended["type"] = "object"
    if schema.get("title") == "ID":
        mended["pattern"] = f"^(?:{schema['pattern']})(?![\\s\\S])"
    if schema.get("title") == "Duration":
        mended["maximum"] = MAX_DURATION_MS
    return mended


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


_finite = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "number": lambda _, value: type(value) in (int, float) and math.isfinite(_double(value)),
        "integer": lambda _, value: type(value) in (int, float) and _double(value).is_integer(),
    }
)
_formats = FormatChecker(formats=())
_formats.checks("date-time")(lambda value: not isinstance(value, str) or moment_of(value) is not None)
_Mended: Any = extend(Draft202012Validator, type_checker=_finite)


@cache
def _judges(profile: WireProfile, mended: bool) -> dict[str, Any]:
    schemas = message_schemas(profile, mended=mended)
    if not mended:
        return {name: Draft202012Validator(schema) for name, schema in schemas.items()}
    return {name: _Mended(schema, format_checker=_formats) for name, schema in schemas.items()}
