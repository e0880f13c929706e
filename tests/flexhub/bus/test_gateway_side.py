"""What the gateway's side of the bus promises, over Redis and in memory."""

from __future__ import annotations

import pytest

from flexhub.bus import Batch, Envelope, PublishResult, Wake
from flexhub.bus.ports import SNAPSHOT_FIELDS_LIMIT
from tests.flexhub.bus.conftest import LEDGER_LIMIT, TELEMETRY_LIMIT, Hub
from tests.support.links import AT, a_ledger_row, a_seat


def message(seat_link: object, payload: str = "{}") -> Envelope:
    return Envelope(link_id=seat_link, kind="message", payload=payload, message_id="m1")  # type: ignore[arg-type] # UUID


async def test_tokens_grow_with_every_claim(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()

    tokens = [await gateway.claim_seat(seat) for _ in range(3)]

    assert tokens == sorted(set(tokens))


async def test_tokens_grow_over_an_empty_restart(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    before = await gateway.claim_seat(seat)

    hub.restart_empty()
    await gateway.renew()

    assert await gateway.claim_seat(seat) > before


async def test_folds_into_the_snapshot(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)
    batch = Batch()
    batch.fold(seat.link_id, token, "PowerMeasurement", '{"ä": 1}')
    batch.fold(seat.link_id, token, "profile", "1.0.0")
    batch.fold(seat.link_id, token, "profile", None)

    result = await gateway.write(batch)

    snapshot = hub.worker.snapshots([seat.link_id])[seat.link_id]
    assert (result.fenced, result.lost, result.overfull) == (set(), set(), set())
    assert snapshot is not None
    assert snapshot.fields() == {"PowerMeasurement": '{"ä": 1}'}
    assert snapshot.token == token


async def test_a_description_replaces_the_states_of_the_one_before(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)
    first, second = Batch(), Batch()
    for name in ("FRBC.SystemDescription", "FRBC.ActuatorStatus/a", "FRBC.TimerStatus/a/t", "FRBC.StorageStatus"):
        first.fold(seat.link_id, token, name, "old")
    second.fold(seat.link_id, token, "FRBC.ActuatorStatus/b", "also old")
    second.fold(seat.link_id, token, "FRBC.SystemDescription", "new")
    second.fold(seat.link_id, token, "FRBC.ActuatorStatus/c", "new")

    await gateway.write(first)
    await gateway.write(second)

    snapshot = hub.worker.snapshots([seat.link_id])[seat.link_id]
    assert snapshot is not None
    assert snapshot.fields() == {
        "FRBC.SystemDescription": "new",
        "FRBC.ActuatorStatus/c": "new",
        "FRBC.StorageStatus": "old",
    }


async def test_resetting_the_control_type_drops_all_that_belonged_to_it(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)
    first, second = Batch(), Batch()
    for name in ("control_type", "PEBC.PowerConstraints/1", "PowerMeasurement", "ResourceManagerDetails"):
        first.fold(seat.link_id, token, name, "x")
    second.reset_control_type(seat.link_id, token)

    await gateway.write(first)
    await gateway.write(second)

    snapshot = hub.worker.snapshots([seat.link_id])[seat.link_id]
    assert snapshot is not None
    assert set(snapshot.fields()) == {"PowerMeasurement", "ResourceManagerDetails"}


async def test_an_old_token_is_fenced_but_what_was_said_is_logged(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    old = await one.claim_seat(seat)
    await two.claim_seat(seat)
    batch = Batch()
    batch.fold(seat.link_id, old, "PowerMeasurement", "stale")
    batch.log(seat.link_id, old, "received", AT, "said")

    result = await one.write(batch)

    snapshot = hub.worker.snapshots([seat.link_id])[seat.link_id]
    assert result.fenced == {seat.link_id}
    assert snapshot is not None
    assert snapshot.fields() == {}
    assert [entry.text for entry in hub.worker.conversation(seat.link_id)] == ["said"]


async def test_an_old_token_is_fenced_even_after_the_newer_session_left(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    old = await one.claim_seat(seat)
    await two.release_seat(seat.link_id, await two.claim_seat(seat))
    batch = Batch()
    batch.fold(seat.link_id, old, "PowerMeasurement", "stale")

    result = await one.write(batch)

    assert (result.fenced, result.lost) == ({seat.link_id}, set())


async def test_an_empty_restart_loses_the_seat_and_claiming_again_heals(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)
    batch = Batch()
    batch.fold(seat.link_id, token, "PowerMeasurement", "1")

    hub.restart_empty()
    lost = await gateway.write(batch)
    renewed = await gateway.renew()
    again = Batch()
    again.fold(seat.link_id, await gateway.claim_seat(seat), "PowerMeasurement", "1")
    healed = await gateway.write(again)

    assert (lost.lost, lost.fenced, renewed) == ({seat.link_id}, set(), False)
    assert healed.lost == set()
    assert hub.worker.publish(seat.link_id, message(seat.link_id)) == PublishResult.DELIVERED


async def test_a_snapshot_takes_a_bounded_number_of_fields(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)
    first, second = Batch(), Batch()
    for number in range(SNAPSHOT_FIELDS_LIMIT - 1):
        first.fold(seat.link_id, token, f"PEBC.PowerConstraints/{number}", "x")
    for number in (0, 10_000, 10_001):
        second.fold(seat.link_id, token, f"PEBC.PowerConstraints/{number}", "y")

    filled, overfilled = await gateway.write(first), await gateway.write(second)

    snapshot = hub.worker.snapshots([seat.link_id])[seat.link_id]
    assert (filled.overfull, overfilled.overfull) == (set(), {seat.link_id})
    assert snapshot is not None
    assert len(snapshot.fields()) == SNAPSHOT_FIELDS_LIMIT
    assert snapshot.fields()["PEBC.PowerConstraints/0"] == "y"


async def test_taking_over_tells_the_process_that_had_the_seat(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    old = await one.claim_seat(seat)

    await two.claim_seat(seat)

    (envelope,) = await one.read_inbox(0)
    assert (envelope.link_id, envelope.kind, envelope.token) == (seat.link_id, "close", old)
    assert await two.read_inbox(0) == []


async def test_releasing_removes_seat_and_snapshot(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)

    released = await gateway.release_seat(seat.link_id, token)

    assert released
    assert hub.worker.sessions() == []
    assert hub.worker.snapshots([seat.link_id]) == {seat.link_id: None}


async def test_an_old_session_cannot_release_the_newer_one_of_its_process(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    old = await gateway.claim_seat(seat)
    new = await gateway.claim_seat(seat)

    released = await gateway.release_seat(seat.link_id, old)

    assert not released
    assert [record.token for record in hub.worker.sessions()] == [new]


async def test_an_old_session_cannot_release_the_newer_one_elsewhere(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    old = await one.claim_seat(seat)
    new = await two.claim_seat(seat)

    released = await one.release_seat(seat.link_id, old)

    assert not released
    assert [(record.process, record.token) for record in hub.worker.sessions()] == [("two", new)]


async def test_an_ended_lease_takes_the_seats_along(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    token = await gateway.claim_seat(seat)

    hub.end_lease("one")

    assert hub.worker.snapshots([seat.link_id]) == {seat.link_id: None}
    assert hub.worker.publish(seat.link_id, message(seat.link_id)) == PublishResult.NO_SEAT
    assert hub.worker.sessions() == []
    batch = Batch()
    batch.fold(seat.link_id, token, "PowerMeasurement", "1")
    assert (await gateway.write(batch)).lost == {seat.link_id}


async def test_a_paused_process_comes_back_under_a_new_incarnation(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    await gateway.claim_seat(seat)
    hub.end_lease("one")

    renewed = await gateway.renew()
    token = await gateway.claim_seat(seat)

    assert not renewed
    assert await gateway.renew()
    assert [(record.process, record.token) for record in hub.worker.sessions()] == [("one.1", token)]


async def test_another_gateway_cleans_up_after_a_dead_one(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    token = await one.claim_seat(seat)
    hub.end_lease("one")

    assert await two.renew()

    batch = Batch()
    batch.fold(seat.link_id, token, "PowerMeasurement", "1")
    assert (await one.write(batch)).lost == {seat.link_id}


async def test_unregistering_gives_back_every_seat(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    await gateway.claim_seat(seat)

    await gateway.unregister()

    assert hub.worker.sessions() == []
    assert hub.worker.publish(seat.link_id, message(seat.link_id)) == PublishResult.NO_SEAT


async def test_appends_measurements_within_the_bound(hub: Hub) -> None:
    gateway, seat, batch = await hub.gateway("one"), a_seat(), Batch()
    for number in range(TELEMETRY_LIMIT):
        batch.measure(seat, "ELECTRIC.POWER.L1", AT, number / 3)

    result = await gateway.write(batch)

    assert not result.telemetry_full
    assert len(result.leftover) == 0
    assert [row.value for row in hub.worker.take_telemetry().rows] == [n / 3 for n in range(TELEMETRY_LIMIT)]


async def test_a_full_stream_hands_the_rows_back(hub: Hub) -> None:
    gateway, seat, batch = await hub.gateway("one"), a_seat(), Batch()
    for _ in range(TELEMETRY_LIMIT):
        batch.measure(seat, "ELECTRIC.POWER.L1", AT, 1.0)
    await gateway.write(batch)
    more = Batch()
    more.measure(seat, "ELECTRIC.POWER.L1", AT, 2.0)

    refused = await gateway.write(more)
    hub.worker.confirm_telemetry(hub.worker.take_telemetry())
    accepted = await gateway.write(refused.leftover)

    assert refused.telemetry_full
    assert len(refused.leftover) == 1
    assert not accepted.telemetry_full
    assert [row.value for row in hub.worker.take_telemetry().rows] == [2.0]


async def test_a_full_ledger_hands_the_rows_back(hub: Hub) -> None:
    gateway, seat, batch = await hub.gateway("one"), a_seat(), Batch()
    for _ in range(LEDGER_LIMIT + 1):
        batch.ledger(a_ledger_row(seat))

    result = await gateway.write(batch)

    assert (result.ledger_full, result.telemetry_full) == (True, False)
    assert len(result.leftover) == LEDGER_LIMIT + 1


async def test_wakes_a_site_once(hub: Hub) -> None:
    gateway, seat, first, second = await hub.gateway("one"), a_seat(), Batch(), Batch()
    first.wake(seat.tenant_id, seat.site_id)
    second.wake(seat.tenant_id, seat.site_id)

    woken = [(await gateway.write(batch)).woken for batch in (first, second)]

    assert woken == [[Wake(seat.tenant_id, seat.site_id)], []]


async def test_writing_nothing_is_nothing(hub: Hub) -> None:
    gateway = await hub.gateway("one")

    result = await gateway.write(Batch())

    assert result.woken == []


@pytest.mark.parametrize("status", ["OK", None])
async def test_logs_what_was_said_with_its_findings(hub: Hub, status: str | None) -> None:
    gateway, seat, batch = await hub.gateway("one"), a_seat(), Batch()
    token = await gateway.claim_seat(seat)
    batch.log(seat.link_id, token, "received", AT, "first", status=status, findings=[{"rule": "R-01"}])
    batch.log(seat.link_id, token, "sent", AT, "second")

    await gateway.write(batch)

    second, first = hub.worker.conversation(seat.link_id)
    assert (first.direction, first.at, first.text, first.status) == ("received", AT, "first", status)
    assert first.findings == ({"rule": "R-01"},)
    assert (second.direction, second.text, second.findings) == ("sent", "second", ())
    assert hub.worker.conversation(seat.link_id, count=1) == [second]
