from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Malformed, Question
from cem_service.feeds.simulator import client, mapping

NOON = datetime(2026, 4, 21, 12, 7, tzinfo=UTC)


def _asked(start: datetime) -> Question:
    return Question(settings={}, credential="", start=start, end=start + timedelta(days=2))


def test_every_quarter_hour_has_a_price_of_its_own_and_its_carbon() -> None:
    prices, carbon = mapping.market(client.market(_asked(NOON)))

    assert (prices.kind, carbon.kind) == (SeriesKind.PRICE, SeriesKind.GRID_CARBON)
    assert np.diff(prices.steps.edges).tolist() == [900.0] * prices.steps.values.size
    assert prices.steps.edges[0] <= NOON.timestamp()
    assert prices.ends_at is not None
    assert prices.ends_at >= NOON + timedelta(days=2)
    assert len(set(prices.steps.values[:4])) == 4
    assert carbon.steps.values.min() > 0


def test_evenings_are_dear_and_noons_cheap() -> None:
    prices, _ = mapping.market(client.market(_asked(NOON.replace(hour=0, minute=0))))
    day = prices.steps.values[:96]

    assert day[4 * 12] < 0.5 * day.mean() < day.mean() < 0.8 * day[4 * 18]


def test_the_same_quarter_hour_is_the_same_whenever_it_is_asked_for() -> None:
    now, later = (mapping.market(client.market(_asked(start)))[0] for start in (NOON, NOON + timedelta(hours=1)))

    assert now.steps.values[4:104].tolist() == later.steps.values[:100].tolist()


def test_a_malformed_document_is_refused_by_the_name_of_its_field() -> None:
    with pytest.raises(Malformed, match=r"quarters\[0\]\.eur_per_mwh: should be a number"):
        mapping.market(b'{"quarters": [{"at": "2026-04-21T12:00:00+00:00"}]}')
