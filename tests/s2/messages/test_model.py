"""The scalar types: what is accepted of them on the wire and from our own code."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from s2.errors import InvalidMessage
from s2.messages import (
    MAX_DURATION_MS,
    FRBCActuatorStatus,
    FRBCStorageStatus,
    FRBCTimerStatus,
    Message,
    PPBCPowerProfileStatus,
    Timer,
    is_id,
    parse_message,
)
from s2.versions import WireProfile
from tests.support.s2_samples import sample

_AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def parsed(document: dict[str, Any], **raw: str) -> Message:
    """Parse the document; `raw` replaces the values of keys by JSON text that Python's json could not write."""
    text = json.dumps(document | dict.fromkeys(raw, "@raw"))
    for value in raw.values():
        text = text.replace('"@raw"', value, 1)
    return parse_message(text, WireProfile.V1_0_0)


def duration_of(raw: str) -> int | None:
    document = sample("PPBC.PowerProfileStatus")
    document["sequence_container_status"][0]["progress"] = "@raw"
    message = parse_message(json.dumps(document).replace('"@raw"', raw), WireProfile.V1_0_0)
    assert isinstance(message, PPBCPowerProfileStatus)
    return message.sequence_container_status[0].progress


def finished_at(raw: str) -> datetime:
    message = parsed(sample("FRBC.TimerStatus"), finished_at=raw)
    assert isinstance(message, FRBCTimerStatus)
    return message.finished_at


def fill_level(raw: str) -> float:
    message = parsed(sample("FRBC.StorageStatus"), present_fill_level=raw)
    assert isinstance(message, FRBCStorageStatus)
    return message.present_fill_level


@pytest.mark.parametrize("text", ["ab", "om1", "A-_:9", "x" * 64, "3fa85f64-5717-4562-b3fc-2c963f66afa6"])
def test_accepts_ids_that_are_no_uuids(text: str) -> None:
    assert is_id(text)
    assert getattr(parsed(sample("RevokeObject", object_id=text)), "object_id", None) == text


@pytest.mark.parametrize("value", ["", "a", "x" * 65, "ab\n", " ab", "a b", "é1", "ab.c", "٣٣", 12, None, ["ab"], True])
def test_refuses_what_is_no_id(value: object) -> None:
    assert not is_id(value)
    with pytest.raises(InvalidMessage, match=r"\$\.object_id"):
        parsed(sample("RevokeObject", object_id=value))


@pytest.mark.parametrize(
    ("raw", "value"), [("5", 5.0), ("-0.5", -0.5), ("1e3", 1000.0), ("9007199254740993", 9007199254740992.0)]
)
def test_accepts_numbers_as_doubles(raw: str, value: float) -> None:
    level = fill_level(raw)

    assert type(level) is float
    assert level == value


@pytest.mark.parametrize("raw", ['"5"', "true", "null", "[]", "{}", "1e999", "-1e999", "9" * 400])
def test_refuses_what_is_no_finite_number(raw: str) -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.present_fill_level: should be a (finite )?number"):
        fill_level(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("0", 0), ("-0", 0), ("5", 5), ("5.0", 5), ("5e3", 5000), (str(MAX_DURATION_MS), MAX_DURATION_MS)],
)
def test_accepts_whole_durations_however_they_are_written(raw: str, value: int) -> None:
    duration = duration_of(raw)

    assert type(duration) is int
    assert duration == value


@pytest.mark.parametrize(
    "raw",
    [
        *("-1", "5.5", "5e-324", "10000000000.5", '"5"', "true", "null", "1e999"),
        *(str(MAX_DURATION_MS + 1), "9007199254740992.0", "9" * 400),
    ],
)
def test_refuses_other_durations(raw: str) -> None:
    with pytest.raises(InvalidMessage, match="whole number of milliseconds"):
        duration_of(raw)


def test_a_duration_always_fits_a_timedelta() -> None:
    assert timedelta(milliseconds=MAX_DURATION_MS)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T12:00:00Z", datetime(2026, 1, 15, 12, tzinfo=UTC)),
        ("2026-01-15t12:00:00z", datetime(2026, 1, 15, 12, tzinfo=UTC)),
        ("2026-01-15T12:00:00.5Z", datetime(2026, 1, 15, 12, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-15T12:00:00.1234567891Z", datetime(2026, 1, 15, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-15T12:00:00-00:00", datetime(2026, 1, 15, 12, tzinfo=UTC)),
        ("2026-01-15T12:00:00+05:30", datetime(2026, 1, 15, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_accepts_timestamps_of_rfc_3339_and_keeps_their_offset(text: str, moment: datetime) -> None:
    read = finished_at(json.dumps(text))

    assert read == moment
    assert read.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "raw",
    [
        "null",
        "1700000000",
        "1700000000.5",
        '"1700000000"',
        '""',
        '"2026-01-15"',
        '"2026-01-15T12:00:00"',
        '"2026-01-15 12:00:00Z"',
        '"2026-01-15_12:00:00Z"',
        '"2026-01-15T12:00Z"',
        '"2026-01-15T12:00:00,5Z"',
        '"2026-01-15T12:00:00.Z"',
        '"20260115T120000Z"',
        '"2026-W03-4T12:00:00Z"',
        '"2026-01-15T12:00:00+0200"',
        '"2026-01-15T12:00:00+02"',
        '"2026-01-15T12:00:00+24:00"',
        '"2026-01-15T12:00:00+02:60"',
        '"2026-01-15T24:00:00Z"',
        '"2026-01-15T12:60:00Z"',
        '"2026-02-30T12:00:00Z"',
        '"2026-01-15T12:00:00Z\\n"',
        '" 2026-01-15T12:00:00Z"',
        '"٢٠٢٦-01-15T12:00:00Z"',
        # These three RFC 3339 knows, but Python cannot hold them.
        '"2016-12-31T23:59:60Z"',
        '"0000-01-01T00:00:00Z"',
        '"0001-01-01T00:00:00+01:00"',
    ],
)
def test_refuses_other_timestamps(raw: str) -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.finished_at: should"):
        finished_at(raw)


@pytest.mark.parametrize("raw", ['"true"', "1", "0", "null", '"on"'])
def test_refuses_what_is_no_boolean(raw: str) -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.abnormal_condition: should be true or false"):
        parsed(sample("FRBC.Instruction"), abnormal_condition=raw)


def test_refuses_null_for_an_absent_field() -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.previous_operation_mode_id: .* got null"):
        parsed(sample("FRBC.ActuatorStatus", previous_operation_mode_id=None))


def test_an_absent_field_is_none() -> None:
    document = sample("FRBC.ActuatorStatus")
    del document["previous_operation_mode_id"], document["transition_timestamp"]

    message = parsed(document)

    assert isinstance(message, FRBCActuatorStatus)
    assert message.previous_operation_mode_id is None
    assert message.transition_timestamp is None


def test_our_own_code_may_write_none() -> None:
    assert Timer(id="t-1", diagnostic_label=None, duration=5).diagnostic_label is None


@pytest.mark.parametrize("level", ["5", True, None, float("nan"), float("inf")])
def test_our_own_code_gets_no_coercion_either(level: Any) -> None:
    with pytest.raises(ValidationError):
        FRBCStorageStatus(message_id="m-1", present_fill_level=level)


@pytest.mark.parametrize("moment", [datetime(2026, 1, 15, 12), 1700000000, "2026-01-15T12:00:00"])  # noqa: DTZ001
def test_our_own_code_must_give_an_offset(moment: Any) -> None:
    with pytest.raises(ValidationError):
        FRBCTimerStatus(message_id="m-1", timer_id="t-1", actuator_id="a-1", finished_at=moment)


def test_named_zones_become_utc() -> None:
    noon = datetime(2026, 1, 15, 12, tzinfo=_AMSTERDAM)

    status = FRBCTimerStatus(message_id="m-1", timer_id="t-1", actuator_id="a-1", finished_at=noon)

    assert status.finished_at == noon
    assert status.finished_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("offset", [timedelta(seconds=3661), timedelta(microseconds=-1), timedelta(seconds=-30)])
def test_offsets_that_the_wire_cannot_write_become_utc(offset: timedelta) -> None:
    noon = datetime(2026, 1, 15, 12, tzinfo=timezone(offset))

    status = FRBCTimerStatus(message_id="m-1", timer_id="t-1", actuator_id="a-1", finished_at=noon)

    assert status.finished_at == noon
    assert status.finished_at.utcoffset() == timedelta(0)


def test_moments_of_our_own_code_lie_within_what_utc_can_hold() -> None:
    late = datetime(9999, 12, 31, 23, 59, tzinfo=ZoneInfo("America/New_York"))

    with pytest.raises(ValidationError, match="between the years"):
        FRBCTimerStatus(message_id="m-1", timer_id="t-1", actuator_id="a-1", finished_at=late)


def test_our_own_texts_are_text_that_json_can_hold() -> None:
    with pytest.raises(ValidationError, match="unicode"):
        Timer(id="t-1", diagnostic_label="\ud800", duration=5)
