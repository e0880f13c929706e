"""The main meter's Resource Manager: it measures the whole home and can control nothing."""

from __future__ import annotations

from collections.abc import Callable

from flexhub.demo.rm.resource import MEASURE_EVERY_S, Identity, Resource
from flexhub.demo.rm.timing import Reporting
from s2.messages import ControlType, Instruction, Message, RevokeObject, RoleType

METER_CHANGE_W = 150.0


class MeterResource(Resource):
    """Reports at once when the power has changed, because the main fuse depends on it."""

    control_type = ControlType.NOT_CONTROLABLE
    role = RoleType.ENERGY_CONSUMER

    def __init__(self, identity: Identity, power_w: Callable[[], float]) -> None:
        super().__init__(identity, power_w, 0.0)
        self._power_report = Reporting(MEASURE_EVERY_S, METER_CHANGE_W)

    def publish(self, at_s: float) -> list[Message]:  # noqa: ARG002 - There is nothing to offer.
        return []

    def changes(self, at_s: float) -> list[Message]:  # noqa: ARG002 - Nor to change.
        return []

    def next_due_s(self) -> float | None:
        return None

    def instruct(self, instruction: Instruction, at_s: float) -> list[Message]:
        return self.refuse(instruction, "a meter takes no instructions", at_s)

    def revoke(self, revocation: RevokeObject, at_s: float) -> list[Message]:  # noqa: ARG002 - It never had any.
        return []

    def forget_instructions(self) -> None:
        """It never had any."""

    def release(self, at_s: float) -> None:  # noqa: ARG002 - It has no behaviour to go back to.
        self.controlled = False
