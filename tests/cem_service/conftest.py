"""What tests of the CEM share. Models are imported in the fixtures: the pure tests here run without Django."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from tests.support.clock import FixedClock

if TYPE_CHECKING:
    from tests.support.cem_world import World


@pytest.fixture
def world(
    db: None, clock: FixedClock, django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]]
) -> World:
    from tests.support.cem_world import make_world

    return make_world(clock, django_capture_on_commit_callbacks)
