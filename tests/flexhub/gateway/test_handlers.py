"""Events of a real session in, state of a real bus (in memory) out."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from flexhub.bus import Batch
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD
from flexhub.gateway.handlers import Turn, handle, sent
from s2.messages import (
    ControlType,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
)
from s2.strictness import Quirk, Strictness
from tests.support.gateway_inside import NOW, details
from tests.support.handled import Hub, battery, constraints, hub_under, text_of
from tests.support.resources import measurement


@pytest.fixture
async def frbc() -> Hub:
    return await hub_under(ControlType.FILL_RATE_BASED_CONTROL)


async def test_a_measurement_goes_to_snapshot_telemetry_and_conversation(frbc: Hub) -> None:
    message = measurement(1234.0, NOW)

    batch = await frbc.hear(message)

    assert frbc.snapshot.messages["PowerMeasurement"] == message
    assert [(row.quantity, row.value, row.at) for row in frbc.worker.take_telemetry().rows] == [
        ("ELECTRIC.POWER.L1", 1234.0, NOW)
    ]
    (entry,) = frbc.worker.conversation(frbc.seat.info.link_id)
    assert (entry.direction, entry.status, entry.text) == ("received", "OK", text_of(message))
    assert list(batch.wakes) == [frbc.seat.info.site_id]


async def test_an_rm_that_introduces_itself_again_has_no_order_any_more(frbc: Hub) -> None:
    await frbc.hear(details())
    introduced, batch = frbc.snapshot, Batch()
    frbc.seat.fold(batch, CONTROL_TYPE_FIELD, ControlType.FILL_RATE_BASED_CONTROL.value)
    await frbc.write(batch)

    await frbc.hear(details())

    assert introduced.released_at is None
    assert frbc.snapshot.control_type is None
    assert frbc.snapshot.released_at == NOW
    assert frbc.snapshot.is_released


async def test_a_refused_message_is_only_told(frbc: Hub) -> None:
    await frbc.hear("[]")

    (entry,) = frbc.worker.conversation(frbc.seat.info.link_id)
    assert (entry.status, entry.text, len(entry.findings)) == ("INVALID_DATA", "[]", 1)
    assert set(frbc.snapshot.fields()) == {"profile"}


async def test_what_a_lenient_type_may_add_is_told_and_left_out_of_the_snapshot() -> None:
    hub = await hub_under(ControlType.FILL_RATE_BASED_CONTROL, Strictness(lenient=True))
    message = measurement(1234.0, NOW)
    text = json.dumps(json.loads(text_of(message)) | {"colour": "red"})

    await hub.hear(text)

    assert hub.snapshot.messages["PowerMeasurement"] == message
    (entry,) = hub.worker.conversation(hub.seat.info.link_id)
    assert (entry.status, entry.text) == ("OK", text)
    (finding,) = entry.findings
    assert (finding["rule"], finding["severity"], finding["path"]) == ("R-09", "warning", "$.colour")


async def test_a_quirk_is_told_and_the_message_kept_as_it_was_read() -> None:
    strictness = Strictness(quirks=frozenset({Quirk.REVERSED_LIMIT_RANGE}))
    hub = await hub_under(ControlType.POWER_ENVELOPE_BASED_CONTROL, strictness)
    meant = constraints("c-1", timedelta(hours=1))
    said = json.loads(text_of(meant))
    said["allowed_limit_ranges"][0]["range_boundary"] = {"start_of_range": 0, "end_of_range": -6000}

    await hub.hear(said)

    assert hub.snapshot.messages["PEBC.PowerConstraints/c-1"] == meant
    (entry,) = hub.worker.conversation(hub.seat.info.link_id)
    assert (entry.status, json.loads(entry.text)) == ("OK", said)
    assert [(each["rule"], each["quirk"]) for each in entry.findings] == [("R-17", "reversed-limit-range")]


async def test_a_verdict_with_unknown_keys_is_told_and_wakes_nobody() -> None:
    hub = await hub_under(ControlType.FILL_RATE_BASED_CONTROL, Strictness(lenient=True))
    hub.seat.session.send(
        RevokeObject(message_id="revoked", object_type=RevokableObjects.FRBC_INSTRUCTION, object_id="unknown"), NOW
    )

    verdict = {"message_type": "ReceptionStatus", "subject_message_id": "revoked", "status": "OK", "colour": "red"}
    batch = await hub.hear(verdict)

    (entry,) = hub.worker.conversation(hub.seat.info.link_id)
    assert [each["path"] for each in entry.findings] == ["$.colour"]
    assert not batch.wakes


async def test_an_emptied_redis_gets_the_whole_snapshot_again(frbc: Hub) -> None:
    await frbc.hear(*battery(), measurement(1.0, NOW))
    before = dict(frbc.snapshot.fields())
    frbc.store.restart_empty()
    await frbc.bus.register("process")
    frbc.seat.token = await frbc.bus.claim_seat(frbc.seat.info)

    batch = Batch()
    frbc.seat.fold_all(batch)
    await frbc.write(batch)

    assert frbc.snapshot.fields() == before


async def test_a_verdict_other_than_ok_is_told_and_wakes(frbc: Hub) -> None:
    revoke = RevokeObject(message_id="revoked", object_type=RevokableObjects.FRBC_INSTRUCTION, object_id="unknown")
    frbc.seat.session.send(revoke, NOW)
    verdict = {"message_type": "ReceptionStatus", "subject_message_id": "revoked", "status": "INVALID_CONTENT"}

    batch = await frbc.hear(verdict)

    (entry,) = frbc.worker.conversation(frbc.seat.info.link_id)
    assert (entry.direction, json.loads(entry.text)) == ("received", verdict)
    assert batch.wakes


async def test_a_refused_selection_is_told_and_not_tried_again_at_once(frbc: Hub) -> None:
    select = SelectControlType(message_id="selection", control_type=ControlType.FILL_RATE_BASED_CONTROL)
    frbc.seat.session.send(select, NOW)

    batch = await frbc.hear(
        {"message_type": "ReceptionStatus", "subject_message_id": "selection", "status": "INVALID_CONTENT"}
    )

    assert "INVALID_CONTENT" in frbc.worker.conversation(frbc.seat.info.link_id)[0].text
    assert not batch.wakes


async def test_a_verdict_that_is_drawn_later_is_told_with_its_message(frbc: Hub) -> None:
    select = SelectControlType(message_id="selection", control_type=ControlType.FILL_RATE_BASED_CONTROL)
    frbc.seat.session.send(select, NOW)
    await frbc.hear({"message_type": "ReceptionStatus", "subject_message_id": "selection", "status": "TEMPORARY_ERROR"})
    await frbc.hear(details())
    batch = Batch()

    handle(Turn(frbc.seat, batch, NOW), frbc.seat.session.tick(NOW + timedelta(minutes=1)))
    await frbc.write(batch)

    told = [json.loads(entry.text) for entry in frbc.worker.conversation(frbc.seat.info.link_id)]
    (verdict,) = [each for each in told if each.get("subject_message_id") == "selection"]
    assert verdict["status"] == "TEMPORARY_ERROR"


async def test_an_acknowledged_selection_counts(frbc: Hub) -> None:
    select = SelectControlType(message_id="selection", control_type=ControlType.FILL_RATE_BASED_CONTROL)
    frbc.seat.session.send(select, NOW)

    await frbc.hear({"message_type": "ReceptionStatus", "subject_message_id": "selection", "status": "OK"})

    assert frbc.snapshot.control_type == "FILL_RATE_BASED_CONTROL"


async def test_a_missing_acknowledgement_is_told_beside_what_was_sent(frbc: Hub) -> None:
    select = SelectControlType(message_id="selection", control_type=ControlType.FILL_RATE_BASED_CONTROL)
    frbc.seat.session.send(select, NOW)
    batch = Batch()

    handle(Turn(frbc.seat, batch, NOW), frbc.seat.session.tick(NOW + timedelta(minutes=1)))
    await frbc.write(batch)

    entry = frbc.worker.conversation(frbc.seat.info.link_id)[0]
    assert (entry.direction, entry.findings[0]["rule"]) == ("sent", "R-01")


async def test_acknowledgements_of_ours_are_not_told(frbc: Hub) -> None:
    batch = Batch()

    sent(Turn(frbc.seat, batch, NOW), ['{"message_type":"ReceptionStatus","status":"OK"}', '{"message_type":"X"}'])
    await frbc.write(batch)

    assert [entry.text for entry in frbc.worker.conversation(frbc.seat.info.link_id)] == ['{"message_type":"X"}']


async def test_tells_nothing_when_there_is_no_room_and_keeps_what_was_acknowledged(frbc: Hub) -> None:
    text = text_of(measurement(1.0, NOW))
    batch = Batch()

    handle(Turn(frbc.seat, batch, NOW, text, logs=False), frbc.seat.session.receive_text(text, NOW))
    await frbc.write(batch)

    assert frbc.worker.conversation(frbc.seat.info.link_id) == []
    assert "PowerMeasurement" in frbc.snapshot.fields()


async def test_a_session_that_is_over_asks_for_its_end(frbc: Hub) -> None:
    text = text_of({"message_type": "SessionRequest", "message_id": "bye", "request": "TERMINATE"})

    closing = handle(Turn(frbc.seat, Batch(), NOW, text), frbc.seat.session.receive_text(text, NOW))

    assert closing is not None
    assert closing.code == 1000
