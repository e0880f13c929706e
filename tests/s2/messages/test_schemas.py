"""Our classes against the standard's own JSON schemas, in both directions.

The schemas are not part of this repository: S2_SPEC_DIR names the folder that holds `s2-json/<version>/`. Where the two
disagree on purpose (see `s2.messages.model`), the schemas are mended first: ids are anchored, objects are objects,
date-times are judged, numbers are finite and durations bounded.
"""

import json
import math
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from s2.errors import RemoteProtocolError
from s2.messages import MAX_DURATION_MS, MESSAGE_CLASSES, dump_message, parse_message
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_samples import sample, samples
from tests.support.s2_strategies import classes_of, messages_of

_SPEC_DIR: Final = os.environ.get("S2_SPEC_DIR")

pytestmark = pytest.mark.skipif(_SPEC_DIR is None, reason="S2_SPEC_DIR does not name a folder with s2-json/")

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "number": lambda _, value: type(value) in (int, float) and math.isfinite(_double(value)),
        "integer": lambda _, value: type(value) in (int, float) and _double(value).is_integer(),
    }
)
_Validator: Any = extend(Draft202012Validator, type_checker=_checker)


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _mended(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_mended(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    # Without "$schema" a referenced document is judged by our validator, not by the library's own.
    mended = {key: _mended(part) for key, part in schema.items() if key != "$schema"}
    if "additionalProperties" in schema:
        mended["type"] = "object"
    if schema.get("title") == "ID":
        mended["pattern"] = f"^(?:{schema['pattern']})(?![\\s\\S])"
    if schema.get("title") == "Duration":
        mended["maximum"] = MAX_DURATION_MS
    if schema.get("format") == "date-time":
        mended["pattern"] = f"^(?:{_DATE_TIME.pattern})(?![\\s\\S])"
    return mended


def _validators(profile: WireProfile) -> dict[str, Any]:
    root = Path(_SPEC_DIR or "") / "s2-json" / profile
    documents = [_mended(json.loads(path.read_text())) for path in sorted(root.glob("*/*.schema.json"))]
    registry: Any = Registry().with_resources((each["$id"], DRAFT202012.create_resource(each)) for each in documents)
    return {
        each["properties"]["message_type"]["const"]: _Validator(each, registry=registry)
        for each in documents
        if "message_type" in each.get("properties", {})
    }


_VALIDATORS = {profile: _validators(profile) for profile in ALL_PROFILES} if _SPEC_DIR else {}


def accepts(document: Any, profile: WireProfile) -> bool:
    """Tell whether we accept the document."""
    try:
        parse_message(json.dumps(document), profile)
    except RemoteProtocolError:
        return False
    return True


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_same_messages_exist(profile: WireProfile) -> None:
    assert set(_VALIDATORS[profile]) == set(samples(profile))


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_messages_have_the_same_fields(profile: WireProfile) -> None:
    for message_type, validator in _VALIDATORS[profile].items():
        ours = {field.name for field in fields(MESSAGE_CLASSES[message_type])}
        theirs = set(validator.schema["properties"])
        if message_type == "DDBC.SystemDescription":
            theirs.add("present_demand_rate")
        assert ours == theirs, message_type


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_samples_are_valid(profile: WireProfile) -> None:
    for message_type, document in samples(profile).items():
        _VALIDATORS[profile][message_type].validate(document)


@pytest.mark.parametrize("profile", ALL_PROFILES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_we_write_is_valid(profile: WireProfile, data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(classes_of(profile)).flatmap(lambda each: messages_of(each, profile)))

    _VALIDATORS[profile][message.message_type].validate(json.loads(dump_message(message, profile)))


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_same_keys_are_required_at_every_depth(profile: WireProfile) -> None:
    for message_type in samples(profile):
        for path in _paths(sample(message_type, profile)):
            document = sample(message_type, profile)
            _remove(document, path)
            assert accepts(document, profile) == _VALIDATORS[profile][message_type].is_valid(document), (
                message_type,
                path,
            )


# One value of every kind that could be taken for another.
_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 5, 5.0, 5.5, 10**400, "", "5", "ab", "ab\n", "OK", "true", "2026-01-15T12:00:00Z",
    "2026-01-15T12:00:00", "ELECTRIC.POWER.L1", [], ["ab"], [None], {}, {"start_of_range": 1, "end_of_range": 0},
)  # fmt: skip


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_same_values_are_accepted_in_every_place(profile: WireProfile) -> None:
    for message_type in samples(profile):
        for path in _paths(sample(message_type, profile)):
            for value in _VALUES:
                document = sample(message_type, profile)
                _replace(document, path, value)
                expected = _VALIDATORS[profile][message_type].is_valid(document)
                assert accepts(document, profile) == expected, (message_type, path, value)


@pytest.mark.parametrize("profile", ALL_PROFILES)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 10, 11, 100, 101, 288, 289, 1000, 1001])
def test_arrays_have_the_same_lengths(profile: WireProfile, length: int) -> None:
    for message_type in samples(profile):
        for path, item in _arrays(sample(message_type, profile)):
            document = sample(message_type, profile)
            _replace(document, path, [item] * length)
            expected = _VALIDATORS[profile][message_type].is_valid(document)
            assert accepts(document, profile) == expected, (message_type, path)


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_objects_are_closed_at_every_depth(profile: WireProfile) -> None:
    for message_type in samples(profile):
        for path in _paths(sample(message_type, profile)):
            document = sample(message_type, profile)
            if isinstance(_at(document, path), dict):
                _at(document, path)["extra"] = 1
                assert not accepts(document, profile)
                assert not _VALIDATORS[profile][message_type].is_valid(document)


_Path = tuple[str | int, ...]


def _paths(document: Any, here: _Path = ()) -> list[_Path]:
    """Return the paths of all values below; only the first item of an array, as its items are alike."""
    if isinstance(document, dict):
        steps: list[str | int] = list(document)
    else:
        steps = [0] if isinstance(document, list) and document else []
    return [path for step in steps for path in [(*here, step), *_paths(document[step], (*here, step))]]


def _arrays(document: Any) -> list[tuple[_Path, Any]]:
    found = ((path, _at(document, path)) for path in _paths(document))
    return [(path, value[0] if value else "ab") for path, value in found if isinstance(value, list)]


def _at(document: Any, path: _Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _replace(document: Any, path: _Path, value: object) -> None:
    _at(document, path[:-1])[path[-1]] = value


def _remove(document: Any, path: _Path) -> None:
    del _at(document, path[:-1])[path[-1]]
