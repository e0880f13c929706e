from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flexhub.gateway.wakes import WakeMemory
from s2.messages import (
    FRBCActuatorStatus,
    FRBCStorageStatus,
    FRBCTimerStatus,
    InstructionStatus,
    InstructionStatusUpdate,
    RevokableObjects,
    RevokeObject,
)
from tests.support.resources import battery_description, measurement, new_id, solar_forecast, store_messages

NOW = datetime(2026, 4, 21, 12, 0, tzinfo=UTC)


def memory(*, measures_site: bool = False) -> WakeMemory:
    return WakeMemory(measures_site=measures_site)


def level(value: float) -> FRBCStorageStatus:
    return FRBCStorageStatus(message_id=new_id(), present_fill_level=value)


def mode(mode_id: str, actuator_id: str = "actuator") -> FRBCActuatorStatus:
    return FRBCActuatorStatus(
        message_id=new_id(), actuator_id=actuator_id, active_operation_mode_id=mode_id, operation_mode_factor=0.5
    )


def described(**options: bool) -> WakeMemory:
    """A battery with levels from 0 to 10 was described."""
    known = memory(**options)
    description, *_ = store_messages(battery_description(), levels=(0.0, 10.0), level=None, active=[])
    assert known.is_worth(description)
    return known


def test_only_the_measurement_that_the_site_is_controlled_by_wakes() -> None:
    assert memory(measures_site=True).is_worth(measurement(1.0, NOW))
    assert not memory(measures_site=False).is_worth(measurement(1.0, NOW))


def test_what_is_offered_wakes_and_a_timer_does_not() -> None:
    revoke = RevokeObject(message_id=new_id(), object_type=RevokableObjects.PEBC_POWER_CONSTRAINTS, object_id="one")
    timer = FRBCTimerStatus(message_id=new_id(), timer_id="timer", actuator_id="actuator", finished_at=NOW)

    assert memory().is_worth(solar_forecast([1.0], NOW))
    assert memory().is_worth(revoke)
    assert not memory().is_worth(timer)


def test_after_new_details_and_descriptions_a_mode_is_news_again() -> None:
    known = described()
    assert known.is_worth(mode("charge"))
    assert not known.is_worth(mode("charge"))

    described_again, *_ = store_messages(battery_description(), levels=(0.0, 10.0), level=None, active=[])
    known.is_worth(described_again)

    assert known.is_worth(mode("charge"))


def test_a_device_that_invents_actuators_does_not_grow_our_memory() -> None:
    known = memory()
    for number in range(10_000):
        known.is_worth(mode("charge", f"actuator-{number}"))

    assert len(known._modes) <= 16


def test_a_level_wakes_when_it_moved_by_more_than_half_a_percent_of_its_range() -> None:
    known = described()

    assert [known.is_worth(level(value)) for value in (5.0, 5.04, 5.06, 5.1, 5.0)] == [True, False, True, False, True]


def test_a_mode_wakes_when_it_is_new_and_was_not_asked_for() -> None:
    known = described()
    assert known.is_worth(mode("idle"))
    assert not known.is_worth(mode("idle"))

    known.instructed("actuator", "charge")

    assert not known.is_worth(mode("charge"))
    assert known.is_worth(mode("discharge"))
    assert known.is_worth(mode("charge", "another"))


@pytest.mark.parametrize("status", list(InstructionStatus))
def test_an_instruction_wakes_when_it_came_to_nothing(status: InstructionStatus) -> None:
    update = InstructionStatusUpdate(message_id=new_id(), instruction_id="one", status_type=status, timestamp=NOW)

    wakes = memory().is_worth(update)

    assert wakes == (status in {InstructionStatus.REJECTED, InstructionStatus.ABORTED})
