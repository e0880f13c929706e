"""Events of a real session in, state of a real bus (in memory) out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from flexhub.bus import Batch, Snapshot
from flexhub.bus.memory import MemoryGatewayBus, MemoryWorkerBus
from flexhub.bus.memory_store import MemoryStore
from flexhub.gateway.handlers import Turn, handle, sent
from flexhub.gateway.seats import Seat
from s2.messages import (
    ControlType,
    Message,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
    dump_message,
)
from s2.strictness import STRICT, Quirk, Strictness
from s2.versions import WireProfile
from tests.support.gateway_inside import NOW, controlled_seat, details
from tests.support.resources import allowed, battery_description, measurement, new_id, sequence, store_messages


class Hub:
    """One seat on a bus in memory."""

    def __init__(self, seat: Seat, bus: MemoryGatewayBus, store: MemoryStore) -> None:
        self.seat = seat
        self.bus = bus
        self.store = store
        self.worker = MemoryWorkerBus(store)

    async def hear(self, *messages: Message | dict[str, Any] | str) -> Batch:
        """What one turn of the loop makes of these frames; it is also written."""
        batch = Batch()
        for message in messages:
            text = _text(message)
            events = self.seat.session.receive_text(text, NOW)
            handle(Turn(self.seat, batch, NOW, text), events)
        await self.bus.write(batch)
        return batch

    async def write(self, batch: Batch) -> None:
        assert not (await self.bus.write(batch)).lost

    @property
    def snapshot(self) -> Snapshot:
        link_id = self.seat.info.link_id
        snapshot = self.worker.snapshots([link_id])[link_id]
        assert snapshot is not None
        return snapshot


def _text(message: Message | dict[str, Any] | str) -> str:
    if isinstance(message, str):
        return message
    return json.dumps(message) if isinstance(message, dict) else dump_message(message, WireProfile.V1_0_0)


async def hub_under(control_type: ControlType, strictness: Strictness = STRICT) -> Hub:
    store = MemoryStore()
    bus = MemoryGatewayBus(store)
    await bus.register("process")
    seat = controlled_seat(control_type, 0, strictness=strictness)
    seat.token = await bus.claim_seat(seat.info)
    hub = Hub(seat, bus, store)
    batch = Batch()
    seat.fold(batch, "profile", "1.0.0")
    await hub.write(batch)
    return hub


@pytest.fixture
async def frbc() -> Hub:
    return await hub_under(ControlType.FILL_RATE_BASED_CONTROL)


@pytest.fixture
async def pebc() -> Hub:
    return await hub_under(ControlType.POWER_ENVELOPE_BASED_CONTROL)


def battery() -> list[Any]:
    """A description, and statuses that go with it."""
    return store_messages(
        battery_description(), levels=(0.0, 10.0), level=5.0, active=[("actuator", "idle", 0.0)], now=NOW
    )


def constraints(constraints_id: str, valid_for: timedelta) -> PEBCPowerConstraints:
    return PEBCPowerConstraints(
        message_id=new_id(),
        id=constraints_id,
        valid_from=NOW - timedelta(hours=1),
        valid_until=NOW + valid_for,
        consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
        allowed_limit_ranges=(
            allowed(PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -6000.0, 0.0),
            allowed(PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0.0, 0.0),
        ),
    )


async def test_a_measurement_goes_to_snapshot_telemetry_and_conversation(frbc: Hub) -> None:
    message = measurement(1234.0, NOW)

    batch = await frbc.hear(message)

    assert frbc.snapshot.messages["PowerMeasurement"] == message
    assert [(row.quantity, row.value, row.at) for row in frbc.worker.take_telemetry().rows] == [
        ("ELECTRIC.POWER.L1", 1234.0, NOW)
    ]
    (entry,) = frbc.worker.conversation(frbc.seat.info.link_id)
    assert (entry.direction, entry.status, entry.text) == ("received", "OK", _text(message))
    assert list(batch.wakes) == [frbc.seat.info.site_id]


async def test_a_refused_message_is_only_told(frbc: Hub) -> None:
    await frbc.hear("[]")

    (entry,) = frbc.worker.conversation(frbc.seat.info.link_id)
    assert (entry.status, entry.text, len(entry.findings)) == ("INVALID_DATA", "[]", 1)
    assert set(frbc.snapshot.fields()) == {"profile"}


async def test_what_a_lenient_type_may_add_is_told_and_left_out_of_the_snapshot() -> None:
    hub = await hub_under(ControlType.FILL_RATE_BASED_CONTROL, Strictness(lenient=True))
    message = measurement(1234.0, NOW)
    text = json.dumps(json.loads(_text(message)) | {"colour": "red"})

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
    said = json.loads(_text(meant))
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


async def test_a_new_description_ends_the_states_of_the_one_before(frbc: Hub) -> None:
    await frbc.hear(*battery())
    assert "FRBC.ActuatorStatus/actuator" in frbc.snapshot.fields()

    await frbc.hear(battery()[0])

    assert set(frbc.snapshot.fields()) == {"profile", "FRBC.SystemDescription", "FRBC.StorageStatus"}


async def test_an_announced_description_takes_over_when_its_time_has_come(frbc: Hub) -> None:
    first, *statuses = battery()
    later = replace(battery()[0], valid_from=NOW + timedelta(minutes=1))

    await frbc.hear(first, *statuses)
    announced = await frbc.hear(later)

    assert frbc.snapshot.messages["FRBC.SystemDescription"] == first
    assert "FRBC.ActuatorStatus/actuator" in frbc.snapshot.fields()
    assert not announced.wakes

    batch, then = Batch(), NOW + timedelta(minutes=1)
    handle(Turn(frbc.seat, batch, then), frbc.seat.session.tick(then))
    await frbc.write(batch)

    assert frbc.snapshot.messages["FRBC.SystemDescription"] == later
    assert "FRBC.ActuatorStatus/actuator" not in frbc.snapshot.fields()
    assert batch.wakes


async def test_new_details_end_what_was_offered_before(frbc: Hub) -> None:
    await frbc.hear(*battery(), measurement(1.0, NOW))

    await frbc.hear(details())

    assert set(frbc.snapshot.fields()) == {"profile", "PowerMeasurement", "ResourceManagerDetails"}


async def test_a_revoked_description_leaves_and_takes_no_heir_along(frbc: Hub) -> None:
    first, second = battery()[0], battery()[0]
    kind = RevokableObjects.FRBC_SYSTEM_DESCRIPTION

    await frbc.hear(first, second, RevokeObject(message_id=new_id(), object_type=kind, object_id=first.message_id))
    assert frbc.snapshot.messages["FRBC.SystemDescription"] == second

    await frbc.hear(RevokeObject(message_id=new_id(), object_type=kind, object_id=second.message_id))
    assert "FRBC.SystemDescription" not in frbc.snapshot.fields()


async def test_constraints_that_are_no_longer_offered_leave(pebc: Hub) -> None:
    await pebc.hear(constraints("old", -timedelta(minutes=1)), constraints("revoked", timedelta(hours=1)))
    kind = RevokableObjects.PEBC_POWER_CONSTRAINTS

    await pebc.hear(
        RevokeObject(message_id=new_id(), object_type=kind, object_id="revoked"),
        constraints("new", timedelta(hours=1)),
    )

    assert set(pebc.snapshot.fields()) == {"profile", "PEBC.PowerConstraints/new"}


async def test_each_power_profile_keeps_the_status_of_all_its_containers() -> None:
    ppbc = await hub_under(ControlType.POWER_PROFILE_BASED_CONTROL, Strictness(lenient=True))
    await ppbc.hear(power_profile("p1", "c-a", "c-b"), power_profile("p2", "c-c"))

    await ppbc.hear(profile_status(("p1", "c-a"), ("p1", "c-b"), ("p2", "c-c")), profile_status(("p1", "c-b")))

    messages = ppbc.snapshot.messages
    assert {
        name: containers_of(one) for name, one in messages.items() if name.startswith("PPBC.PowerProfileStatus")
    } == {
        "PPBC.PowerProfileStatus/p1": {"c-a", "c-b"},
        "PPBC.PowerProfileStatus/p2": {"c-c"},
    }


async def test_the_status_of_a_power_profile_leaves_with_it() -> None:
    ppbc = await hub_under(ControlType.POWER_PROFILE_BASED_CONTROL)
    await ppbc.hear(power_profile("p1", "c-a"), profile_status(("p1", "c-a")))
    kind = RevokableObjects.PPBC_POWER_PROFILE_DEFINITION

    await ppbc.hear(RevokeObject(message_id=new_id(), object_type=kind, object_id="p1"))

    assert set(ppbc.snapshot.fields()) == {"profile"}


def power_profile(profile_id: str, *container_ids: str) -> PPBCPowerProfileDefinition:
    return PPBCPowerProfileDefinition(
        message_id=new_id(),
        id=profile_id,
        start_time=NOW,
        end_time=NOW + timedelta(hours=8),
        power_sequences_containers=tuple(
            PPBCPowerSequenceContainer(id=each, power_sequences=(sequence(f"{each}-1", (60, 1000.0)),))
            for each in container_ids
        ),
    )


def profile_status(*containers: tuple[str, str]) -> PPBCPowerProfileStatus:
    return PPBCPowerProfileStatus(
        message_id=new_id(),
        sequence_container_status=tuple(
            PPBCPowerSequenceContainerStatus(
                power_profile_id=profile_id,
                sequence_container_id=container_id,
                status=PPBCPowerSequenceStatus.NOT_SCHEDULED,
            )
            for profile_id, container_id in containers
        ),
    )


def containers_of(status: Message) -> set[str]:
    assert isinstance(status, PPBCPowerProfileStatus)
    return {each.sequence_container_id for each in status.sequence_container_status}


async def test_what_crossed_with_another_control_type_is_not_folded(pebc: Hub) -> None:
    select = SelectControlType(message_id=str(uuid4()), control_type=ControlType.NO_SELECTION)
    pebc.seat.session.send(select, NOW)

    batch = await pebc.hear(constraints("late", timedelta(hours=1)))

    (entry,) = pebc.worker.conversation(pebc.seat.info.link_id)
    assert (entry.status, len(entry.findings)) == ("OK", 1)
    assert set(pebc.snapshot.fields()) == {"profile"}
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
    text = _text(measurement(1.0, NOW))
    batch = Batch()

    handle(Turn(frbc.seat, batch, NOW, text, logs=False), frbc.seat.session.receive_text(text, NOW))
    await frbc.write(batch)

    assert frbc.worker.conversation(frbc.seat.info.link_id) == []
    assert "PowerMeasurement" in frbc.snapshot.fields()


async def test_a_session_that_is_over_asks_for_its_end(frbc: Hub) -> None:
    text = _text({"message_type": "SessionRequest", "message_id": "bye", "request": "TERMINATE"})

    closing = handle(Turn(frbc.seat, Batch(), NOW, text), frbc.seat.session.receive_text(text, NOW))

    assert closing is not None
    assert closing.code == 1000
