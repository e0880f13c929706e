from __future__ import annotations

from flexhub.bus.directory import SeatRecord, seat_from_fields, seat_to_fields
from tests.support.links import a_seat


def test_a_seat_survives_the_directory() -> None:
    seat = a_seat("Wärmepumpe")

    record = seat_from_fields({**seat_to_fields(seat), "process": "one", "token": "7"}, profile="1.0.0")

    assert record == SeatRecord(seat, "one", 7, "1.0.0", None)
