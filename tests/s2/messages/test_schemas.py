"""Our classes against the standard's own JSON schemas, in both directions, and where the two differ on purpose.

Documents are drawn at random from seeds that are names, so a failure names the document that shows it and the next run
draws the same ones.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import pytest
from pydantic import TypeAdapter

from s2 import messages
from s2.errors import InvalidData, RemoteProtocolError
from s2.messages import MAX_DURATION_MS, MESSAGE_CLASSES, Message, PowerMeasurement, dump_message, parse_message
from s2.messages import model as message_model
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_documents import ODD_VALUES, document, same, spoil, wire_text
from tests.support.s2_samples import sample, samples
from tests.support.s2_schemas import (
    SPEC_DIR,
    faults_of,
    is_valid,
    message_schemas,
    moment_of,
    schema_files,
    schema_of,
    shape_of,
)

pytestmark = pytest.mark.skipif(SPEC_DIR is None, reason="S2_SPEC_DIR does not name a folder with s2-json/")

#: So many documents of each kind for every message of both versions.
_DOCUMENTS: Final = 200

_ONE = WireProfile.V1_0_0

_EACH_MESSAGE = [
    pytest.param(message_type, profile, id=f"{message_type}-{profile}")
    for profile in ALL_PROFILES
    for message_type in samples(profile)
]


def accepts(text: str, profile: WireProfile) -> bool:
    """Tell whether we accept the text."""
    try:
        parse_message(text, profile)
    except RemoteProtocolError:
        return False
    return True


def seeds(kind: str, message_type: str, profile: WireProfile) -> Iterator[tuple[str, Random]]:
    for number in range(_DOCUMENTS):
        seed = f"{kind} {message_type} {profile} {number}"
        yield seed, Random(seed)  # noqa: S311 - repeatable on purpose.


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_same_messages_exist(profile: WireProfile) -> None:
    assert set(message_schemas(profile)) == set(samples(profile))


@pytest.mark.parametrize(("message_type", "profile"), _EACH_MESSAGE)
def test_a_class_says_word_for_word_what_its_schema_says(message_type: str, profile: WireProfile) -> None:
    assert schema_of(MESSAGE_CLASSES[message_type], profile) == shape_of(message_schemas(profile)[message_type])


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_every_schema_file_is_part_of_a_message_and_has_a_class_or_type_of_ours(profile: WireProfile) -> None:
    files = schema_files(profile)
    reached = {name for name, schema in files.items() if "message_type" in schema.get("properties", {})}
    while found := {named for name in reached for named in _references(files[name])} - reached:
        reached |= found

    assert reached == set(files)
    for name, schema in files.items():
        ours: Any = getattr(messages, name.replace(".", ""), None)
        if "enum" in schema:
            assert sorted(ours) == sorted(schema["enum"]), name
        elif "properties" in schema:
            assert set(schema_of(ours, profile)["properties"]) == set(schema["properties"]), name
        else:
            assert hasattr(message_model, {"ID": "Id"}.get(name, name)), name


def _references(schema: Any) -> set[str]:
    return {name.rpartition("/")[2] for name in re.findall(r'"\$ref": "([^"]*)\.schema\.json"', json.dumps(schema))}


@pytest.mark.parametrize(("message_type", "profile"), _EACH_MESSAGE)
def test_what_the_schema_accepts_we_accept_and_write_again(message_type: str, profile: WireProfile) -> None:
    schema = message_schemas(profile)[message_type]
    for seed, random in seeds("valid", message_type, profile):
        drawn = document(schema, random)
        assert not faults_of(drawn, profile), seed

        message = parse_message(wire_text(drawn, random), profile)

        assert same(schema, drawn, json.loads(dump_message(message, profile))), seed


@pytest.mark.parametrize(("message_type", "profile"), _EACH_MESSAGE)
def test_of_what_is_spoilt_we_accept_exactly_what_the_schema_accepts(message_type: str, profile: WireProfile) -> None:
    schema = message_schemas(profile)[message_type]
    verdicts: list[bool] = []
    for seed, random in seeds("spoilt", message_type, profile):
        drawn = document(schema, random)
        spoil(drawn, random)
        verdicts.append(is_valid(drawn, profile))

        assert accepts(wire_text(drawn, random), profile) == verdicts[-1], seed

    # Most faults are seen, and some changes are none.
    assert _DOCUMENTS / 2 < verdicts.count(False) < _DOCUMENTS


@pytest.mark.parametrize(("message_type", "profile"), _EACH_MESSAGE)
def test_what_we_build_and_write_the_schema_accepts(message_type: str, profile: WireProfile) -> None:
    message_class = MESSAGE_CLASSES[message_type]
    build: Callable[..., Message] = TypeAdapter(message_class).validate_python
    ours = schema_of(message_class, profile)
    for seed, random in seeds("built", message_type, profile):
        message = build(document(ours, random))

        assert not faults_of(json.loads(dump_message(message, profile)), profile), seed


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_samples_are_valid(profile: WireProfile) -> None:
    for each in samples(profile).values():
        assert is_valid(each, profile, mended=False)
        assert is_valid(each, profile)


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_same_keys_are_required_at_every_depth(profile: WireProfile) -> None:
    for message_type in samples(profile):
        for path in _paths(sample(message_type, profile)):
            whole = sample(message_type, profile)
            del _at(whole, path[:-1])[path[-1]]
            assert accepts(json.dumps(whole), profile) == is_valid(whole, profile), (message_type, path)


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_same_values_are_accepted_in_every_place(profile: WireProfile) -> None:
    for message_type in samples(profile):
        for path in _paths(sample(message_type, profile)):
            for value in ODD_VALUES:
                whole = _replaced(sample(message_type, profile), path, value)
                assert accepts(json.dumps(whole), profile) == is_valid(whole, profile), (message_type, path, value)


@pytest.mark.parametrize("profile", ALL_PROFILES)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 10, 11, 100, 101, 288, 289, 1000, 1001])
def test_arrays_have_the_same_lengths(profile: WireProfile, length: int) -> None:
    for message_type in samples(profile):
        for path in _paths(sample(message_type, profile)):
            items = _at(sample(message_type, profile), path)
            if isinstance(items, list):
                whole = _replaced(sample(message_type, profile), path, (items or ["ab"])[:1] * length)
                assert accepts(json.dumps(whole), profile) == is_valid(whole, profile), (message_type, path)


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_objects_are_closed_at_every_depth(profile: WireProfile) -> None:
    for message_type in samples(profile):
        for path in _paths(sample(message_type, profile)):
            if isinstance(_at(sample(message_type, profile), path), dict):
                whole = _replaced(sample(message_type, profile), (*path, "extra"), 1)
                assert not accepts(json.dumps(whole), profile)
                assert not is_valid(whole, profile, mended=False)


@dataclass(frozen=True)
class Difference:
    """A JSON value in a place of a sample that the schema accepts and we refuse.

    `bullet` is how its item begins in the docstring of `s2.messages.model`.
    """

    bullet: str
    message_type: str
    path: tuple[str | int, ...]
    raw: str

    @property
    def text(self) -> str:
        whole = _replaced(sample(self.message_type), self.path, "@raw")
        return json.dumps(whole).replace('"@raw"', self.raw)


_FORECAST_DURATION = ("elements", 0, "duration")

_DIFFERENCES: Final = {
    "a string for an object": Difference("An object", "FRBC.SystemDescription", ("storage",), '"full"'),
    "a number for an object": Difference("An object", "PowerMeasurement", ("values", 0), "5"),
    "an id with other characters": Difference("An id", "RevokeObject", ("object_id",), '"the pump"'),
    "an id that is too long": Difference("An id", "RevokeObject", ("object_id",), f'"{"x" * 65}"'),
    "an id and a line feed": Difference("An id", "RevokeObject", ("object_id",), '"pump\\n"'),
    "words for a timestamp": Difference("A timestamp", "FRBC.TimerStatus", ("finished_at",), '"tomorrow"'),
    "a timestamp without offset": Difference(
        "A timestamp", "FRBC.TimerStatus", ("finished_at",), '"2026-01-15T12:00:00"'
    ),
    "a day that does not exist": Difference(
        "A timestamp", "FRBC.TimerStatus", ("finished_at",), '"2026-02-30T12:00:00Z"'
    ),
    "a leap second": Difference("A timestamp", "FRBC.TimerStatus", ("finished_at",), '"2016-12-31T23:59:60Z"'),
    "the year 0000": Difference("A timestamp", "FRBC.TimerStatus", ("finished_at",), '"0000-01-01T00:00:00Z"'),
    "before year 1 in UTC": Difference(
        "A timestamp", "FRBC.TimerStatus", ("finished_at",), '"0001-01-01T00:00:00+01:00"'
    ),
    "after year 9999 in UTC": Difference(
        "A timestamp", "FRBC.TimerStatus", ("finished_at",), '"9999-12-31T23:30:00-01:00"'
    ),
    "1e999": Difference("A number", "FRBC.StorageStatus", ("present_fill_level",), "1e999"),
    "an integer beyond all doubles": Difference("A number", "FRBC.StorageStatus", ("present_fill_level",), "9" * 400),
    "2**53 ms": Difference("A duration", "PowerForecast", _FORECAST_DURATION, str(2**53)),
    "NaN": Difference("JSON itself", "FRBC.StorageStatus", ("present_fill_level",), "NaN"),
    "Infinity": Difference("JSON itself", "FRBC.StorageStatus", ("present_fill_level",), "Infinity"),
    "a lone surrogate": Difference("JSON itself", "SessionRequest", ("diagnostic_label",), '"\\ud800"'),
}


@pytest.mark.parametrize("name", _DIFFERENCES)
@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_we_refuse_what_the_schema_accepts_in_these_cases(profile: WireProfile, name: str) -> None:
    text = _DIFFERENCES[name].text

    assert is_valid(json.loads(text), profile, mended=False)
    assert not accepts(text, profile)


def test_the_differences_are_those_that_the_models_name() -> None:
    assert {each.bullet for each in _DIFFERENCES.values()} == _bullets("disagree, on purpose")


def test_what_is_no_json_to_us_may_be_some_to_others() -> None:
    """The rest of the last item: what a document cannot say, or what json.loads does not read either."""
    deep = json.dumps(sample("SessionRequest"))[:-1] + ', "extra": ' + "[" * 300 + "]" * 300 + "}"
    long = _DIFFERENCES["NaN"].text.replace("NaN", "9" * 4301)
    for text in (deep, long):
        with pytest.raises(InvalidData, match="not JSON"):
            parse_message(text, _ONE)
    repeated = json.dumps(sample("PowerMeasurement")).replace('"message_id"', '"message_id": [], "message_id"')
    assert accepts(repeated, _ONE)


_EQUAL_NOT_SAME: Final = {
    "9007199254740993": "9007199254740992.0",
    '"2026-01-15T12:00:00.1234567891Z"': '"2026-01-15T12:00:00.123456Z"',
    '"2026-01-15t12:00:00.5z"': '"2026-01-15T12:00:00.500000Z"',
    '"2026-01-15T12:00:00-00:00"': '"2026-01-15T12:00:00Z"',
    '"2026-01-15T12:00:00+05:30"': '"2026-01-15T12:00:00+05:30"',
}


@pytest.mark.parametrize(("read", "written"), _EQUAL_NOT_SAME.items())
def test_writes_again_what_it_read_as_the_models_say(read: str, written: str) -> None:
    whole = sample("PowerMeasurement")
    place = ("measurement_timestamp",) if read.startswith('"') else ("values", 0, "value")
    text = json.dumps(_replaced(whole, place, "@raw")).replace('"@raw"', read)

    message = parse_message(text, _ONE)

    assert isinstance(message, PowerMeasurement)
    assert f":{written}" in dump_message(message, _ONE)
    assert accepts(dump_message(message, _ONE), _ONE)


@pytest.mark.parametrize("raw", ["5e-324", "0.5", "10000000000.5", "4503599627370495.5", str(MAX_DURATION_MS + 1)])
def test_a_duration_that_is_not_whole_is_refused_however_large_it_is(raw: str) -> None:
    text = Difference("", "PowerForecast", _FORECAST_DURATION, raw).text

    assert not is_valid(json.loads(text), _ONE)
    assert not accepts(text, _ONE)


@pytest.mark.parametrize(
    "text", ["2026-01-15T24:00:00Z", "2026-01-15T12:00:00+24:00", "2026-01-15T12:00:00+02:60", "2026-13-01T00:00:00Z"]
)
def test_the_judge_of_these_tests_knows_what_is_no_timestamp(text: str) -> None:
    assert moment_of(text) is None
    assert not accepts(json.dumps(sample("FRBC.TimerStatus", finished_at=text)), _ONE)


def _bullets(heading: str) -> set[str]:
    """The items of that list in the docstring of our models, each by the words before its verb."""
    _, _, rest = (message_model.__doc__ or "").partition(heading)
    items = re.findall(r"^\* (.*?)(?= is | matches |:)", rest, re.MULTILINE)
    return set(items)


_Path = tuple[str | int, ...]


def _paths(whole: Any, here: _Path = ()) -> list[_Path]:
    """Return the paths of all values below; only the first item of an array, as its items are alike."""
    if isinstance(whole, dict):
        steps: list[str | int] = list(whole)
    else:
        steps = [0] if isinstance(whole, list) and whole else []
    return [path for step in steps for path in [(*here, step), *_paths(whole[step], (*here, step))]]


def _at(whole: Any, path: _Path) -> Any:
    for step in path:
        whole = whole[step]
    return whole


def _replaced(whole: dict[str, Any], path: _Path, value: object) -> dict[str, Any]:
    _at(whole, path[:-1])[path[-1]] = value
    return whole
