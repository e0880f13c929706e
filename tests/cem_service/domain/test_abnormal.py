from __future__ import annotations

from cem_service.domain.abnormal import without_marks
from cem_service.domain.frbc import FRBCResource
from s2.messages import ControlType, FRBCSystemDescription
from tests.support import resources
from tests.support.resources import NOON


def test_nothing_is_kept_back_and_the_rest_is_as_it_was() -> None:
    modes = [
        resources.mode("idle", resources.element((0, 100), (0, 0), (0, 0))),
        resources.mode("boost", resources.element((0, 100), (0, 1), (0, 9000)), abnormal=True),
    ]
    messages = resources.store_messages(
        resources.actuator(modes), levels=(0, 100), level=50, active=[("actuator", "idle", 0.0)], now=NOON
    )

    told = without_marks(messages)

    for before, after in zip(messages, told, strict=True):
        assert isinstance(before, FRBCSystemDescription) or after is before
    link = resources.link_id("boiler")
    calm = FRBCResource.from_messages(link, "boiler", messages, ControlType.FILL_RATE_BASED_CONTROL, NOON)
    urgent = FRBCResource.from_messages(link, "boiler", told, ControlType.FILL_RATE_BASED_CONTROL, NOON)
    assert isinstance(calm, FRBCResource)
    assert isinstance(urgent, FRBCResource)
    assert [mode.mode_id for mode in calm.actuators[0].usable_modes] == ["idle"]
    assert [mode.mode_id for mode in urgent.actuators[0].usable_modes] == ["idle", "boost"]
