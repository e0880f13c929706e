from __future__ import annotations

import json

import pytest

from cem_service.domain.decision import Objective
from cem_service.domain.reason import Reason, ReasonCode


@pytest.mark.parametrize(
    "reason",
    [
        Reason(ReasonCode.RESTS),
        Reason(ReasonCode.STARTS, figures={"starts_at": "2026-04-21T12:00:00+00:00", "cost_eur": 0.25}),
        Reason(ReasonCode.MOVED, Objective.GRID_LIMIT, {"moved_kwh": 1.5}),
    ],
)
def test_travels_as_plain_json(reason: Reason) -> None:
    assert Reason.from_dict(json.loads(json.dumps(reason.as_dict()))) == reason


def test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="whim"):
        Reason.from_dict({"code": "whim", "objective": None, "figures": {}})
