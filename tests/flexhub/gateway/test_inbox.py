from __future__ import annotations

import json
from typing import Any

import pytest

from flexhub.bus import Batch, Envelope
from flexhub.bus.streams import decode_ledger
from flexhub.gateway import inbox
from flexhub.gateway.handlers import Turn
from flexhub.gateway.seats import Seat
from s2.errors import S2Error
from s2.messages import ControlType, SelectControlType, dump_message
from s2.versions import WireProfile
from tests.support.gateway_inside import NOW, controlled_seat
from tests.support.resources import battery_description, new_id, store_messages


@pytest.fixture
def seat() -> Seat:
    """A battery's, described, with nothing left to send."""
    seat = controlled_seat(ControlType.FILL_RATE_BASED_CONTROL, 7)
    for message in store_messages(battery_description(), levels=(0.0, 10.0), level=5.0, active=[], now=NOW):
        seat.session.receive_text(dump_message(message, WireProfile.V1_0_0), NOW)
    seat.session.data_to_send()
    return seat


def instruction(**changes: Any) -> dict[str, Any]:
    return {
        "message_type": "FRBC.Instruction",
        "message_id": new_id(),
        "id": "instruction-1",
        "actuator_id": "actuator",
        "operation_mode": "charge",
        "operation_mode_factor": 0.5,
        "execution_time": NOW.isoformat(),
        "abnormal_condition": False,
    } | changes


def envelope(seat: Seat, payload: dict[str, Any] | str) -> Envelope:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return Envelope(seat.info.link_id, "message", text, token=seat.token)


def test_an_instruction_goes_out_and_its_mode_is_no_news_then(seat: Seat) -> None:
    batch = Batch()

    assert inbox.emit(Turn(seat, batch, NOW), envelope(seat, instruction()))

    (text,) = seat.session.data_to_send()
    assert json.loads(text)["id"] == "instruction-1"
    assert not batch.ledger_rows


def test_an_instruction_that_comes_twice_goes_out_once_and_is_not_called_refused(seat: Seat) -> None:
    batch = Batch()
    twice = envelope(seat, instruction())

    assert [inbox.emit(Turn(seat, batch, NOW), each) for each in (twice, twice)] == [True, False]

    assert len(seat.session.data_to_send()) == 1
    assert not batch.ledger_rows


def test_what_breaks_a_rule_stays_and_the_ledger_says_why(seat: Seat) -> None:
    batch = Batch()

    assert not inbox.emit(Turn(seat, batch, NOW), envelope(seat, instruction(operation_mode="nap")))

    assert seat.session.data_to_send() == []
    (row,) = map(decode_ledger, batch.ledger_rows)
    assert (row.instruction_id, row.status, row.findings[0]["rule"]) == ("instruction-1", "REFUSED", "R-123")


def test_what_the_state_does_not_permit_stays_with_a_finding(seat: Seat) -> None:
    batch = Batch()
    wrong = instruction(message_type="OMBC.Instruction", operation_mode_id="nap")
    for name in ("actuator_id", "operation_mode"):
        del wrong[name]

    assert not inbox.emit(Turn(seat, batch, NOW), envelope(seat, wrong))

    (row,) = map(decode_ledger, batch.ledger_rows)
    assert (row.status, row.findings[0]["rule"]) == ("REFUSED", "R-12")


def test_a_control_type_that_is_active_is_not_selected_again(seat: Seat) -> None:
    same = SelectControlType(message_id=new_id(), control_type=ControlType.FILL_RATE_BASED_CONTROL)

    assert not inbox.emit(Turn(seat, Batch(), NOW), envelope(seat, dump_message(same, WireProfile.V1_0_0)))

    assert seat.session.data_to_send() == []


def test_another_control_type_voids_what_was_offered(seat: Seat) -> None:
    batch = Batch()
    other = SelectControlType(message_id=new_id(), control_type=ControlType.NO_SELECTION)

    assert inbox.emit(Turn(seat, batch, NOW), envelope(seat, dump_message(other, WireProfile.V1_0_0)))

    assert "FRBC." in batch.links[seat.info.link_id].prefixes


def test_rubbish_is_an_error(seat: Seat) -> None:
    with pytest.raises(S2Error):
        inbox.emit(Turn(seat, Batch(), NOW), envelope(seat, "{"))


def test_knows_the_instruction_in_an_envelope(seat: Seat) -> None:
    select = SelectControlType(message_id=new_id(), control_type=ControlType.NO_SELECTION)

    assert inbox.instruction_id(envelope(seat, instruction())) == "instruction-1"
    assert inbox.instruction_id(envelope(seat, dump_message(select, WireProfile.V1_0_0))) is None
    assert inbox.instruction_id(envelope(seat, "{")) is None
