"""Text in, message or refusal out; message in, text out."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2.errors import InvalidData, InvalidMessage, ProfileError, RemoteProtocolError
from s2.messages import DDBCSystemDescription, NumberRange, PowerMeasurement, dump_message, parse_message
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_samples import sample, samples

_BETA = WireProfile.V0_0_2_BETA
_ONE = WireProfile.V1_0_0
_RATE = {"start_of_range": 2, "end_of_range": 3}


def refusal_of(document: dict[str, Any] | str | bytes, profile: WireProfile = _ONE) -> RemoteProtocolError:
    text = json.dumps(document) if isinstance(document, dict) else document
    with pytest.raises(RemoteProtocolError) as caught:
        parse_message(text, profile)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "{",
        '{"message_type": "Handshake",}',
        "{'message_id': 'ab'}",
        '{"message_id": "ab"} {}',
        "\ufeff{}",
        "\ud800",
        '{"message_id": "\\ud800ab"}',
        b"\xff\xfe",
        b'{"message_id": "\xff"}',
        "[" * 100_000,
        '{"message_id": "ab", "deep": ' + "[" * 1000 + "]" * 1000 + "}",
        json.dumps(sample("FRBC.StorageStatus")).replace("42.5", "NaN"),
        json.dumps(sample("FRBC.StorageStatus")).replace("42.5", "-Infinity"),
        json.dumps(sample("FRBC.StorageStatus")).replace("42.5", "9" * 10_000),
    ],
)
def test_text_that_is_not_json_is_invalid_data(text: str | bytes) -> None:
    error = refusal_of(text)

    assert isinstance(error, InvalidData)
    assert error.message_id is None
    assert error.label.startswith("not JSON: ")
    assert len(error.label) < 200


@pytest.mark.parametrize("text", ["[]", '["message_id"]', "null", "true", "5", '"text"'])
def test_json_that_is_not_an_object_is_invalid_data(text: str) -> None:
    error = refusal_of(text)

    assert isinstance(error, InvalidData)
    assert error.label == "$: should be an object"


@pytest.mark.parametrize("message_id", [None, 5, "", "a", "ab\n", "x" * 65, ["ab"], {}])
def test_a_message_without_usable_id_is_invalid_data(message_id: object) -> None:
    error = refusal_of(sample("FRBC.StorageStatus", message_id=message_id))

    assert isinstance(error, InvalidData)
    assert error.message_type == "FRBC.StorageStatus"
    assert error.label.startswith("$.message_id: should be")


def test_an_absent_message_id_is_invalid_data() -> None:
    assert isinstance(refusal_of({"message_type": "Handshake", "role": "CEM"}), InvalidData)
    assert isinstance(refusal_of("{}"), InvalidData)


@pytest.mark.parametrize(
    ("named", "told"),
    [("FRBC.Nothing", "FRBC.Nothing"), ("handshake", "handshake"), (None, None), (["Handshake"], None)],
)
def test_an_unknown_message_type_is_an_invalid_message(named: object, told: str | None) -> None:
    error = refusal_of({"message_type": named, "message_id": "m-1"})

    assert isinstance(error, InvalidMessage)
    assert (error.message_id, error.message_type) == ("m-1", told)
    assert error.label.startswith("$.message_type: unknown, got ")


def test_a_missing_message_type_is_an_invalid_message() -> None:
    error = refusal_of({"message_id": "m-1"})

    assert isinstance(error, InvalidMessage)
    assert (error.message_id, error.message_type) == ("m-1", None)


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"values": []}, "$.values: should have 1 or more items, has 0"),
        (
            {"values": [{"commodity_quantity": "ELECTRIC.POWER.L1", "value": 1}] * 11},
            "$.values: should have 10 or fewer items",
        ),
        ({"values": {}}, "$.values: should be an array, got an object"),
        ({"values": [[]]}, "$.values[0]: should be an object, got an array"),
        ({"values": [{"commodity_quantity": "ELECTRIC.POWER.L1"}]}, "$.values[0].value: required"),
        ({"extra": 1}, "$.extra: unknown key"),
    ],
)
def test_a_breach_of_the_schema_is_an_invalid_message(changes: dict[str, Any], label: str) -> None:
    error = refusal_of(sample("PowerMeasurement", **changes))

    assert isinstance(error, InvalidMessage)
    assert (error.message_id, error.message_type, error.label) == ("message-1", "PowerMeasurement", label)


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_every_message_is_closed(profile: WireProfile) -> None:
    for document in samples(profile).values():
        assert refusal_of(document | {"extra": None}, profile).label == "$.extra: unknown key"


def test_the_names_of_python_are_unknown_on_the_wire() -> None:
    ombc = sample("OMBC.SystemDescription")
    ombc["transitions"][0]["from_"] = ombc["transitions"][0].pop("from")
    ddbc = sample("DDBC.SystemDescription")
    ddbc["actuators"][0]["supported_commodities"] = ddbc["actuators"][0].pop("supported_commodites")

    assert "required" in refusal_of(ombc).label
    assert "required" in refusal_of(ddbc).label


def test_a_reception_status_without_usable_subject_is_invalid_data() -> None:
    error = refusal_of(sample("ReceptionStatus", subject_message_id=5))

    assert isinstance(error, InvalidData)
    assert error.message_type == "ReceptionStatus"
    assert error.label.startswith("$.subject_message_id: should be")


def test_another_fault_of_a_reception_status_names_its_subject() -> None:
    error = refusal_of(sample("ReceptionStatus", status="FINE"))

    assert isinstance(error, InvalidMessage)
    assert (error.message_id, error.message_type) == ("message-0", "ReceptionStatus")


def test_of_a_repeated_key_the_last_one_counts() -> None:
    text = json.dumps(sample("PowerMeasurement"))

    last_good = parse_message(text.replace('"message_id"', '"message_id": 5, "message_id"'), _ONE)
    last_bad = refusal_of(text[:-1] + ', "message_id": 5}')

    assert isinstance(last_good, PowerMeasurement)
    assert last_good.message_id == "message-1"
    assert isinstance(last_bad, InvalidData)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_text_is_a_message_or_a_refusal(text: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_message(text, _ONE)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(message_type=st.sampled_from(sorted(samples())), value=_JSON, data=st.data())
def test_any_value_in_any_place_is_a_message_or_a_refusal(
    message_type: str, value: object, data: st.DataObject
) -> None:
    document = sample(message_type)
    document[data.draw(st.sampled_from(sorted(document)))] = value

    text = json.dumps(document)
    if label := _label_of(text):
        assert len(label) < 300
    else:
        message = parse_message(text, _ONE)
        assert parse_message(dump_message(message, _ONE), _ONE) == message


def _label_of(text: str) -> str | None:
    try:
        parse_message(text, _ONE)
    except RemoteProtocolError as error:
        return error.label
    return None


def test_the_beta_requires_the_present_demand_rate() -> None:
    error = refusal_of(sample("DDBC.SystemDescription", _ONE), _BETA)

    assert isinstance(error, InvalidMessage)
    assert error.label == "$.present_demand_rate: required in 0.0.2-beta"


def test_version_one_does_not_know_the_present_demand_rate() -> None:
    error = refusal_of(sample("DDBC.SystemDescription", _BETA), _ONE)

    assert isinstance(error, InvalidMessage)
    assert error.label == "$.present_demand_rate: unknown in 1.0.0"


def test_the_beta_does_not_know_the_present_demand_status() -> None:
    error = refusal_of(sample("DDBC.PresentDemandStatus"), _BETA)

    assert isinstance(error, InvalidMessage)
    assert error.label == "$.message_type: unknown in 0.0.2-beta"


def test_we_do_not_send_what_the_version_does_not_know() -> None:
    status = parse_message(json.dumps(sample("DDBC.PresentDemandStatus")), _ONE)
    without_rate = parse_message(json.dumps(sample("DDBC.SystemDescription", _ONE)), _ONE)
    assert isinstance(without_rate, DDBCSystemDescription)
    with_rate = replace(without_rate, present_demand_rate=NumberRange(**_RATE))

    for message, profile in ((status, _BETA), (without_rate, _BETA), (with_rate, _ONE)):
        with pytest.raises(ProfileError, match=message.message_type):
            dump_message(message, profile)
        assert dump_message(message, None)
    assert json.loads(dump_message(with_rate, _BETA))["present_demand_rate"] == _RATE


def test_absent_fields_are_not_written() -> None:
    document = sample("FRBC.ActuatorStatus")
    del document["previous_operation_mode_id"], document["transition_timestamp"]

    assert json.loads(dump_message(parse_message(json.dumps(document), _ONE), _ONE)) == document


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("2026-01-15T12:00:00+00:00", "2026-01-15T12:00:00Z"),
        ("2026-01-15T12:00:00.5z", "2026-01-15T12:00:00.500000Z"),
        ("2026-01-15T12:00:00-03:30", "2026-01-15T12:00:00-03:30"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_timestamps_are_written_with_their_offset_and_utc_as_z(read: str, written: str) -> None:
    message = parse_message(json.dumps(sample("FRBC.TimerStatus", finished_at=read)), _ONE)

    assert json.loads(dump_message(message, _ONE))["finished_at"] == written
