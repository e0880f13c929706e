"""An audit that finds nothing is worth something only if it finds what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from flexhub.bus.streams import TelemetryRow
from flexhub.load.engine.record import Record
from flexhub.load.engine.targets import Target
from flexhub.telemetry.writer import store
from s2.messages import EnergyManagementRole, FRBCStorageStatus
from tests.bench.homes import Home
from tests.soak.audit import missing_measurements
from tests.support.registry import make_household
from tests.support.resources import measurement

NOW = datetime(2026, 4, 21, 12, 0, 0, 123456, UTC)


@pytest.mark.django_db
def test_finds_each_measurement_that_was_acknowledged_and_is_not_stored(tmp_path: Path) -> None:
    household = make_household()
    home = Home(Target(EnergyManagementRole.RM, household.rm_node.pk, "token"), household.link.pk)
    times = [NOW + timedelta(seconds=second) for second in range(5)]
    record = Record(tmp_path / "record")
    for at in times:
        record.add(home.target.node, measurement(1.0, at))
    record.add(home.target.node, FRBCStorageStatus(message_id="s-1", present_fill_level=5))
    record.close()
    ids = (household.tenant.pk, household.site.pk)

    def is_stored(*stored: datetime, link_id: UUID = home.link_id) -> None:
        rows = [TelemetryRow(*ids, link_id, "ELECTRIC.POWER.L1", at, 1.0) for at in stored]
        store(rows, now=NOW, retention=timedelta(days=30))

    is_stored(*times[:3])
    is_stored(*times, link_id=uuid4())
    assert missing_measurements(tmp_path / "record", [home]) == 2

    is_stored(*times[3:])
    assert missing_measurements(tmp_path / "record", [home]) == 0
