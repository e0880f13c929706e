"""Who of the demo is there. Not in tests/flexhub/demo, whose tests need no Django."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from flexhub.bus import end_id
from flexhub.bus.directory import SeatInfo, SeatRecord
from flexhub.demo.cloud_house import HostedDevice
from flexhub.demo.presence import Presence, presence
from flexhub.demo.seed import APICredential, Credential, Seeded

PV, METER = Credential(uuid4(), "one"), Credential(uuid4(), "two")
CLOUD = HostedDevice("Cloud battery", uuid4(), uuid4())
SEEDED = Seeded(
    (), APICredential("", ""), uuid4(), credentials=((PV, METER),), spare=(), spare_site_id=uuid4(), hosted=(CLOUD,)
)


def seat(node_id: UUID, end: UUID | None = None, control_type: str | None = None) -> SeatRecord:
    info = SeatInfo(end or uuid4(), uuid4(), uuid4(), node_id, "", datetime(2026, 4, 21, tzinfo=UTC))
    return SeatRecord(info, "gateway-1", 1, control_type=control_type)


def house(control_type: str | None) -> list[SeatRecord]:
    """Both sessions of the cloud battery's link."""
    return [
        seat(CLOUD.node_id, CLOUD.link_id, control_type),
        seat(uuid4(), end_id(CLOUD.link_id, "CEM"), control_type),
    ]


def test_all_are_there() -> None:
    stranger = seat(uuid4(), control_type="NOT_CONTROLLABLE")

    there = presence(SEEDED, [seat(PV.node_id), seat(METER.node_id), stranger, *house("FILL_RATE_BASED_CONTROL")])

    assert there == Presence(connected=2, attended=1)
    assert there.is_complete(SEEDED)
    assert there.in_words(SEEDED) == "2 of 2 devices connected, 1 of 1 hosted devices attended to"


def test_a_session_alone_attends_to_nothing() -> None:
    there = presence(SEEDED, [seat(PV.node_id), seat(METER.node_id), *house(None)])

    assert there == Presence(connected=2, attended=0)
    assert not there.is_complete(SEEDED)


def test_nobody_stands_in_for_somebody_else() -> None:
    there = presence(SEEDED, [seat(PV.node_id), *house("FILL_RATE_BASED_CONTROL"), seat(uuid4())])

    assert not there.is_complete(SEEDED)
