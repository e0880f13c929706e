"""What telemetry holds about a household: measurements, by the million."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from flexhub.telemetry.models import Measurement, Rollup
from flexhub.telemetry.removal import delete_sites
from tenants.privacy.holdings import File, Holding, Things, hold

_COLUMNS = ("site_id", "link_id", "quantity", "at", "value")
_ROWS_AT_ONCE = 2_000


class Measurements(Holding):
    models = (Measurement, Rollup)

    def files(self, things: Things) -> Iterator[File]:
        rows = Measurement.objects.filter(site_id__in=things.sites).values_list(*_COLUMNS)
        yield "telemetry.measurement.csv", _as_csv(rows.iterator(chunk_size=_ROWS_AT_ONCE))

    def clear(self, things: Things) -> None:
        delete_sites(things.tenant_id, things.sites)


def _as_csv(rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for site_id, link_id, quantity, at, value in rows:
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
        writer.writerow((site_id, link_id, quantity, at.isoformat(), repr(value)))
    yield text.getvalue().encode()


hold(Measurements())
