"""What the workers' side of the bus promises, over Redis and in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from flexhub.bus import Batch, Envelope, GatewayBus, MeterReading, PublishResult, SeatInfo, TelemetryRow
from tests.flexhub.bus.conftest import Hub
from tests.support.links import AT, a_ledger_row, a_seat


async def measure(gateway: GatewayBus, seat: SeatInfo, *values: float) -> None:
    batch = Batch()
    for value in values:
        batch.measure(seat, "ELECTRIC.POWER.L1", AT, value)
    await gateway.write(batch)


async def test_publishes_only_to_the_session_that_was_meant(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    old = await gateway.claim_seat(seat)
    new = await gateway.claim_seat(seat)
    envelope = Envelope(seat.link_id, "message", "{}")

    outcomes = [hub.worker.publish(seat.link_id, replace(envelope, token=token)) for token in (old, new, None)]

    assert outcomes == [PublishResult.NO_SEAT, PublishResult.DELIVERED, PublishResult.DELIVERED]


async def test_publishes_to_several_links_at_once_and_keeps_the_order_of_each(hub: Hub) -> None:
    one, two = await hub.gateway("one"), await hub.gateway("two")
    battery, charger, car = a_seat("Battery"), a_seat("Charger"), a_seat("Car")
    for gateway, seat in ((one, battery), (two, charger), (one, car)):
        await gateway.claim_seat(seat)
    letters = ((battery, "1"), (charger, "2"), (battery, "3"), (car, "4"))
    envelopes = [Envelope(seat.link_id, "message", payload) for seat, payload in letters]
    stale = Envelope(charger.link_id, "message", "late", token=1)

    outcomes = hub.worker.publish_all([*envelopes, Envelope(uuid4(), "message", "nobody"), stale])

    assert outcomes == [PublishResult.DELIVERED] * 4 + [PublishResult.NO_SEAT] * 2
    assert [each.payload for each in await one.read_inbox(1)] == ["1", "3", "4"]
    assert [(each.link_id, each.payload) for each in await two.read_inbox(1)] == [(charger.link_id, "2")]
    assert hub.worker.publish_all([]) == []


async def test_nobody_sits_at_an_unknown_link(hub: Hub) -> None:
    link = uuid4()

    assert hub.worker.publish(link, Envelope(link, "message", "{}")) == PublishResult.NO_SEAT
    assert hub.worker.snapshots([link]) == {link: None}
    assert hub.worker.conversation(link) == []


async def test_lists_living_seats_by_name(hub: Hub) -> None:
    one, two = await hub.gateway("one"), await hub.gateway("two")
    battery, charger = a_seat("Battery"), a_seat("Charger")
    await two.claim_seat(charger)
    token = await one.claim_seat(battery)
    batch = Batch()
    batch.fold(battery.link_id, token, "profile", "1.0.0")
    batch.fold(battery.link_id, token, "control_type", "FILL_RATE_BASED_CONTROL")
    await one.write(batch)

    first, second = hub.worker.sessions()

    assert (first.info, first.process, first.token) == (battery, "one", token)
    assert (first.profile, first.control_type) == ("1.0.0", "FILL_RATE_BASED_CONTROL")
    assert (second.info, second.process, second.profile) == (charger, "two", None)


async def test_a_released_session_is_listed_as_such(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    batch, token = Batch(), await gateway.claim_seat(seat)
    batch.fold(seat.link_id, token, "control_type", "NO_SELECTION")
    batch.fold(seat.link_id, token, "released", "2026-04-21T10:00:00+00:00")
    await gateway.write(batch)

    (record,) = hub.worker.sessions()

    assert record.is_released
    assert record.released_at == datetime(2026, 4, 21, 10, tzinfo=UTC)


async def test_each_look_that_ended_well_leaves_another_mark(hub: Hub) -> None:
    gateway, site, other = await hub.gateway("one"), uuid4(), uuid4()

    async def mark() -> str | None:
        (found, nothing) = await gateway.last_looks([site, other])
        assert nothing is None
        return found

    assert await mark() is None
    with hub.worker.site_lock(site, 30) as lock:
        lock.looked = True
        assert await mark() is None
    first = await mark()
    with hub.worker.site_lock(site, 30) as lock, hub.worker.site_lock(site, 30) as busy:
        lock.looked = busy.looked = True
        assert (lock.ours, busy.ours) == (True, False)
    second = await mark()
    with hub.worker.site_lock(site, 30) as lock:
        assert lock.last_look == hub.worker.last_look(site) == second

    assert first is not None
    assert second not in (None, first)
    assert await mark() == second
    assert hub.worker.last_look(other) is None


async def test_a_link_that_moved_is_listed_once(hub: Hub) -> None:
    one, two, seat = await hub.gateway("one"), await hub.gateway("two"), a_seat()
    for gateway in (one, two, one, two):
        await gateway.claim_seat(seat)

    assert [record.process for record in hub.worker.sessions()] == ["two"]


async def test_a_wake_is_on_its_way_until_its_task_begins(hub: Hub) -> None:
    site = uuid4()

    asked = [hub.worker.request_wake(site), hub.worker.request_wake(site)]
    with hub.worker.site_lock(site, 30) as first:
        asked.append(hub.worker.request_wake(site))
        # Also by a task that finds another one at work: it has to ask for one that comes later.
        with hub.worker.site_lock(site, 30) as second:
            asked.append(hub.worker.request_wake(site))
    hub.end_wakes_and_locks()
    with hub.worker.site_lock(site, 30) as third:
        pass

    assert asked == [True, False, True, True]
    assert [(lock.ours, lock.was_awaited) for lock in (first, second, third)] == [
        (True, True),
        (False, True),
        (True, False),
    ]


async def test_a_wake_that_was_not_sent_can_be_asked_for_again(hub: Hub) -> None:
    site = uuid4()
    hub.worker.request_wake(site)

    hub.worker.end_wake(site)

    assert hub.worker.request_wake(site)


async def test_a_wake_whose_task_got_lost_ends_by_itself(hub: Hub) -> None:
    site = uuid4()
    hub.worker.request_wake(site)

    hub.end_wakes_and_locks()

    assert hub.worker.request_wake(site)


async def test_one_worker_at_a_time_works_for_a_site(hub: Hub) -> None:
    site = uuid4()

    with hub.worker.site_lock(site, 30) as mine, hub.worker.site_lock(site, 30) as theirs:
        pass
    with hub.worker.site_lock(site, 30) as afterwards:
        pass

    assert [lock.ours for lock in (mine, theirs, afterwards)] == [True, False, True]


async def test_giving_back_a_lock_that_ended_leaves_the_next_holder_alone(hub: Hub) -> None:
    site = uuid4()

    with hub.worker.site_lock(site, 30):
        hub.end_wakes_and_locks()
        next_holder = hub.worker.site_lock(site, 30)
        held = next_holder.__enter__()
    with hub.worker.site_lock(site, 30) as third:
        pass
    next_holder.__exit__(None, None, None)

    assert (held.ours, third.ours) == (True, False)


async def test_takes_each_row_once(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    await measure(gateway, seat, 1.5)
    await measure(gateway, seat, -2.0)

    first, second, third = (hub.worker.take_telemetry(1) for _ in range(3))

    assert [row.value for row in first.rows + second.rows] == [1.5, -2.0]
    assert (first.rows[0].tenant_id, first.rows[0].site_id) == (seat.tenant_id, seat.site_id)
    assert (first.rows[0].link_id, first.rows[0].quantity, first.rows[0].at) == (seat.link_id, "ELECTRIC.POWER.L1", AT)
    assert not third


async def test_rows_of_a_worker_that_died_go_to_another(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    await measure(gateway, seat, 1.0)
    hub.worker.take_telemetry()
    await measure(gateway, seat, 2.0)

    again = hub.worker_after_a_crash().take_telemetry()

    assert [row.value for row in again.rows] == [1.0, 2.0]


async def test_confirmed_rows_never_come_back(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    await measure(gateway, seat, 1.0)

    hub.worker.confirm_telemetry(hub.worker.take_telemetry())

    assert not hub.worker_after_a_crash().take_telemetry()


async def test_confirming_after_an_empty_restart_does_no_harm(hub: Hub) -> None:
    gateway, seat = await hub.gateway("one"), a_seat()
    await measure(gateway, seat, 1.0)
    taken = hub.worker.take_telemetry()

    hub.restart_empty()
    hub.worker.confirm_telemetry(taken)
    await measure(gateway, seat, 2.0)

    assert [row.value for row in hub.worker.take_telemetry().rows] == [2.0]


async def test_ledger_rows_arrive_whole(hub: Hub) -> None:
    gateway, seat, batch = await hub.gateway("one"), a_seat(), Batch()
    row = a_ledger_row(seat)
    batch.ledger(row)
    await gateway.write(batch)

    delivery = hub.worker.take_ledger()
    hub.worker.confirm_ledger(delivery)

    assert delivery.rows == (row,)
    assert not hub.worker_after_a_crash().take_ledger()


def _readings(site: UUID, *values: float) -> list[TelemetryRow]:
    return [TelemetryRow(uuid4(), site, site, "ELECTRIC.POWER.L1", AT, value) for value in values]


async def test_a_meter_is_read_where_its_last_reading_lies(hub: Hub) -> None:
    site = uuid4()
    late, latest = MeterReading(AT, 1.0), MeterReading(AT + timedelta(milliseconds=1), 6.0, (1.0, 2.0, 3.0))
    assert hub.worker.meter(site) is None

    taken = [hub.worker.report_meter(site, reading, _readings(site, reading.power_w)) for reading in (latest, late)]

    assert taken == [True, True]
    assert hub.worker.meter(site) == latest
    link = uuid4()
    assert hub.worker.look(site, [link]) == ({link: None}, latest)
    assert [(row.link_id, row.value) for row in hub.worker.take_telemetry().rows] == [(site, 6.0), (site, 1.0)]
    hub.worker.forget([site])
    assert hub.worker.meter(site) is None
