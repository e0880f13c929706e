from __future__ import annotations

from uuid import UUID

from flexhub.bus.directory import SeatRecord, end_id, seat_from_fields, seat_to_fields
from tests.support.links import a_seat


def test_a_seat_survives_the_directory() -> None:
    seat = a_seat("Wärmepumpe")

    record = seat_from_fields({**seat_to_fields(seat), "process": "one", "token": "7"}, profile="1.0.0")

    assert record == SeatRecord(seat, "one", 7, "1.0.0", None)


def test_each_end_of_a_link_has_an_id_that_never_changes() -> None:
    link_id = UUID("a1de0000-0000-4000-8000-000000000001")

    assert end_id(link_id, "RM") == link_id
    assert end_id(link_id, "CEM") == UUID("a1e267b7-f3ec-59ea-a6af-c75a8662065f")
