from __future__ import annotations

import pytest

from cem_service.planners.kernels.warm import warm_up


@pytest.fixture(scope="session", autouse=True)
def _warm_kernels() -> None:
    """Once a session, so that no test waits for a compiler in the middle of its examples."""
    warm_up()
