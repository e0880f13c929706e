from __future__ import annotations

from uuid import uuid4

from flexhub.bus import Batch, Envelope, SeatAddress
from tests.support.links import AT, a_ledger_row, a_seat

LINK = uuid4()


def test_the_newest_session_of_a_link_speaks_for_it() -> None:
    batch = Batch()
    batch.fold(LINK, 1, "PowerMeasurement", "old")
    batch.log(LINK, 1, "received", AT, "old")
    batch.fold(LINK, 2, "PowerForecast", "new")
    batch.fold(LINK, 1, "PowerMeasurement", "late")
    batch.reset_control_type(LINK, 1)

    writes = batch.links[LINK]

    assert (writes.token, writes.fields, writes.prefixes) == (2, {"PowerForecast": "new"}, [])
    assert writes.log[2] == "old"


def test_absorbing_is_as_if_it_had_been_collected_at_once() -> None:
    older, newer, seat = Batch(), Batch(), a_seat(link_id=LINK)
    older.fold(LINK, 1, "FRBC.ActuatorStatus/a", "old")
    older.fold(LINK, 1, "PowerMeasurement", "old")
    older.log(LINK, 1, "received", AT, "first")
    older.wake(seat.tenant_id, seat.site_id)
    newer.fold(LINK, 1, "FRBC.SystemDescription", "new")
    newer.log(LINK, 1, "sent", AT, "second")
    newer.measure(seat, "ELECTRIC.POWER.L1", AT, 1.0)
    newer.ledger(a_ledger_row(seat))

    older.absorb(newer)

    writes = older.links[LINK]
    assert writes.fields == {"PowerMeasurement": "old", "FRBC.SystemDescription": "new"}
    assert set(writes.prefixes) == {"FRBC.ActuatorStatus/", "FRBC.TimerStatus/"}
    assert writes.log[2::5] == ["first", "second"]
    assert (len(older.telemetry_rows), len(older.ledger_rows), len(older.wakes)) == (1, 1, 1)


def test_absorbing_a_newer_session_forgets_the_older_ones_state() -> None:
    older, newer = Batch(), Batch()
    older.fold(LINK, 1, "PowerMeasurement", "old")
    newer.fold(LINK, 2, "PowerForecast", "new")

    older.absorb(newer)

    assert (older.links[LINK].token, older.links[LINK].fields) == (2, {"PowerForecast": "new"})


def test_the_length_tells_whether_there_is_anything_to_bound() -> None:
    batch = Batch()
    before = len(batch)

    batch.fold(LINK, 1, "PowerMeasurement", "1")
    batch.measure(a_seat(), "ELECTRIC.POWER.L1", AT, 1.0)

    assert (before, len(batch)) == (0, 2)


def test_gives_up_what_must_not_be_relayed_late_and_keeps_the_rest() -> None:
    batch, newer, sender = Batch(), Batch(), SeatAddress(uuid4(), "one", 1)
    relayed = Envelope(LINK, "relayed", "{}", token=2, sender=sender)
    hello = Envelope(LINK, "hello", "", token=2, sender=sender)
    batch.forward("two", relayed)
    newer.forward("two", hello)
    batch.absorb(newer)

    given_up = batch.give_up_relayed()

    assert [each.envelope for each in given_up] == [relayed]
    assert [each.envelope for each in batch.forwards] == [hello]
    assert len(batch) == 1
    assert batch.give_up_relayed() == []
