"""What cannot be read is set aside: counted, bounded, out of the way of what comes after it."""

from __future__ import annotations

from datetime import UTC, datetime

from flexhub.bus import Batch, Envelope, keys
from flexhub.bus.poison import REASON_LIMIT, read_poison, reason_of, within_limits
from flexhub.bus.ports import POISON_LIMIT
from flexhub.bus.streams import LOG_TEXT_LIMIT
from tests.flexhub.bus.conftest import Hub, RedisHub
from tests.support.links import AT, a_ledger_row, a_seat


def test_a_reason_names_the_kind_of_error() -> None:
    assert reason_of(ValueError("no number")) == "ValueError: no number"


def test_texts_are_cut() -> None:
    assert within_limits("inbox", "r" * 10_000, "ü" * 10_000) == ("inbox", "r" * REASON_LIMIT, "ü" * 4096)


def test_an_entry_says_when_it_was_set_aside() -> None:
    entry = read_poison("1700000000500-3", {"source": "ledger", "reason": "why", "text": "{}"})

    assert entry.at == datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)


async def test_what_either_side_sets_aside_is_counted_and_shown_newest_first(hub: Hub) -> None:
    gateway = await hub.gateway("one")

    await gateway.set_aside("inbox", "first", "a" * (LOG_TEXT_LIMIT + 1))
    hub.worker.set_aside("ledger", "second", "{}")
    report = hub.worker.poison()

    assert (report.waiting, report.ever) == (2, 2)
    assert [(entry.source, entry.reason) for entry in report.entries] == [("ledger", "second"), ("inbox", "first")]
    assert report.entries[1].text == "a" * LOG_TEXT_LIMIT
    assert hub.worker.poison(1).entries == report.entries[:1]


async def test_what_is_discarded_is_gone_and_stays_counted(hub: Hub) -> None:
    for number in range(3):
        hub.worker.set_aside("ledger", str(number), "{}")
    newest, middle, _ = hub.worker.poison().entries

    assert hub.worker.discard_poison([newest.id, middle.id]) == 2
    assert hub.worker.discard_poison([newest.id]) == 0
    assert hub.worker.discard_poison([]) == 0

    report = hub.worker.poison()
    assert (report.waiting, report.ever) == (1, 3)
    assert [entry.reason for entry in report.entries] == ["0"]


async def test_only_the_last_thousand_are_kept(hub: Hub) -> None:
    for number in range(POISON_LIMIT + 2):
        hub.worker.set_aside("telemetry", str(number), "")

    report = hub.worker.poison()

    assert (report.waiting, report.ever, len(report.entries)) == (POISON_LIMIT, POISON_LIMIT + 2, POISON_LIMIT)
    assert report.entries[-1].reason == "2"


async def test_rows_that_cannot_be_read_are_set_aside_when_the_others_are_confirmed(hub: Hub) -> None:
    gateway, seat, batch = await hub.gateway("one"), a_seat(), Batch()
    batch.measure(seat, "ELECTRIC.POWER.L1", AT, 1.0)
    batch.keep_rows(["no row"], ["{}"])
    batch.ledger(a_ledger_row(seat))
    await gateway.write(batch)

    telemetry, ledger = hub.worker.take_telemetry(), hub.worker.take_ledger()

    assert (len(telemetry.rows), len(ledger.rows)) == (1, 1)
    assert hub.worker.poison().ever == 0
    hub.worker.confirm_telemetry(telemetry)
    hub.worker.confirm_ledger(ledger)
    entries = hub.worker.poison().entries
    assert [(entry.source, entry.text) for entry in entries] == [("ledger", "{}"), ("telemetry", "no row")]
    assert "KeyError" in entries[0].reason
    assert not hub.worker_after_a_crash().take_telemetry()


async def test_stream_entries_of_another_shape_hold_nothing_up(redis_url: str) -> None:
    hub = RedisHub(redis_url)
    hub.client.xadd(keys.TELEMETRY.stream, {"something": "else"})
    delivery = hub.worker.take_telemetry()

    hub.worker.confirm_telemetry(delivery)
    await hub.close()

    assert (delivery.rows, hub.worker.poison().waiting) == ((), 1)


async def test_envelopes_that_cannot_be_read_let_the_others_through(redis_url: str) -> None:
    hub, seat = RedisHub(redis_url), a_seat()
    gateway = await hub.gateway("one")
    await gateway.claim_seat(seat)
    hub.client.xadd(keys.inbox("one"), {"kind": "message"})
    hub.client.xadd(keys.inbox("one"), {"envelope": b"\xff\xfe"})
    hub.worker.publish(seat.link_id, Envelope(seat.link_id, "message", "{}"))

    envelopes = await gateway.read_inbox(0)
    again = await gateway.read_inbox(0)
    report = hub.worker.poison()
    await hub.close()

    assert ([envelope.payload for envelope in envelopes], again) == (["{}"], [])
    assert [(entry.source, entry.text) for entry in report.entries] == [
        ("inbox", "envelope \ufffd\ufffd"),
        ("inbox", "kind message"),
    ]
    assert report.entries[1].reason == "KeyError: 'envelope'"
