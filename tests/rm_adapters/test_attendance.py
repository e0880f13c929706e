"""A hosted RM attended to by its services, between a CEM and the rows of the simulated cloud."""

from __future__ import annotations

import pytest

from s2.messages import InstructionStatus
from tests.rm_adapters.attended_home import AttendedHome
from tests.rm_adapters.hosted_home import MENUS
from tests.rm_adapters.instructing import order_for

pytestmark = pytest.mark.django_db

ACCEPTED, STARTED = InstructionStatus.ACCEPTED, InstructionStatus.STARTED
SUCCEEDED, REVOKED = InstructionStatus.SUCCEEDED, InstructionStatus.REVOKED


@pytest.mark.parametrize("kind", MENUS)
def test_describes_each_device_and_carries_out_what_it_is_told(kind: str) -> None:
    home = AttendedHome(kind)
    home.connect()
    home.select()

    order = home.instruct(order_for(home))
    home.wait(minutes=2)

    assert home.course(order)[:2] == [ACCEPTED, STARTED]
    assert len(home.settings()) == 1
    home.check()
