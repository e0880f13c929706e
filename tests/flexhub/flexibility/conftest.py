from __future__ import annotations

import pytest

from cem_service import runtime
from tests.support.clock import FixedClock
from tests.support.pools import Buses


@pytest.fixture
def buses(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Buses:
    """The in-memory bus, which the API reads too."""
    buses = Buses.open(clock)
    monkeypatch.setattr(runtime, "tools", buses.tools)
    return buses
