"""What tests of the API share. Models are imported in the fixture: the pure tests here run without Django."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.clock import FixedClock

if TYPE_CHECKING:
    from tests.support.pools import Buses


@pytest.fixture
def buses(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Buses:
    """The in-memory bus, which the API reads too."""
    from cem_service import runtime
    from tests.support.pools import Buses

    buses = Buses.open(clock)
    monkeypatch.setattr(runtime, "tools", buses.tools)
    return buses
