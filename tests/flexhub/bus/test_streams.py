from __future__ import annotations

import math

import pytest

from flexhub.bus import Batch
from flexhub.bus.streams import (
    LOG_TEXT_LIMIT,
    TelemetryRow,
    decode_ledger,
    decode_rows,
    decode_telemetry,
    encode_ledger,
    log_text,
)
from tests.support.links import AT, a_ledger_row, a_seat


@pytest.mark.parametrize("value", [0.0, -1.5, 1 / 3, 1e308, 5e-324, float("inf")])
def test_telemetry_survives_the_stream(value: float) -> None:
    seat = a_seat()
    row = TelemetryRow(seat.tenant_id, seat.site_id, seat.link_id, "ELECTRIC.POWER.L1", AT, value)

    batch = Batch()
    batch.measure(seat, row.quantity, row.at, row.value)
    again = decode_telemetry(batch.telemetry_rows[0])

    assert again == row
    assert math.copysign(1, again.value) == math.copysign(1, value)


def test_the_ledger_survives_the_stream() -> None:
    row = a_ledger_row(a_seat(), "with\nnewline")

    encoded = encode_ledger(row)

    assert "\n" not in encoded
    assert decode_ledger(encoded) == row


def test_rows_that_cannot_be_read_are_apart_and_confirmed(caplog: pytest.LogCaptureFixture) -> None:
    good = encode_ledger(a_ledger_row(a_seat()))

    delivery = decode_rows([("1-0", f"{good}\nnonsense\n[]"), ("2-0", "{}")], decode_ledger)

    assert len(delivery.rows) == 1
    assert delivery.receipt == (("1-0", 3), ("2-0", 1))
    assert [line for _, line in delivery.unreadable] == ["nonsense", "[]", "{}"]
    assert delivery.unreadable[2][0] == "KeyError: 'tenant_id'"
    assert len(caplog.records) == 3


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("short", "short"),
        ("x" * (LOG_TEXT_LIMIT + 1), "x" * LOG_TEXT_LIMIT),
        ("ü" * LOG_TEXT_LIMIT, "ü" * (LOG_TEXT_LIMIT // 2)),
        ("x" + "ü" * LOG_TEXT_LIMIT, "x" + "ü" * (LOG_TEXT_LIMIT // 2 - 1)),
        ("lone \ud800 half", "lone ? half"),
    ],
)
def test_log_texts_are_cut_to_bytes_that_can_be_written(text: str, kept: str) -> None:
    assert log_text(text) == kept
