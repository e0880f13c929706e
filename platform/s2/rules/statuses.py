"""Rules for what an RM reports of its modes and timers.

A status speaks of a description that was published, in force or yet to come. Before the first description there is
nothing to compare with: a status that comes early is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from s2.descriptions import Machine
from s2.messages import (
    DDBCActuatorStatus,
    DDBCTimerStatus,
    FRBCActuatorStatus,
    FRBCTimerStatus,
    OMBCStatus,
    OMBCTimerStatus,
)
from s2.resource import actuator_of
from s2.rules.registry import Breach, Rule, Situation, rule

ActuatorStatus = FRBCActuatorStatus | DDBCActuatorStatus
TimerStatus = OMBCTimerStatus | FRBCTimerStatus | DDBCTimerStatus


@rule(
    Rule("R-56", "A timer status names a declared timer.", "schema *.TimerStatus", needs_session=True),
    OMBCTimerStatus,
    FRBCTimerStatus,
    DDBCTimerStatus,
)
def timer_is_declared(message: TimerStatus, situation: Situation) -> Iterator[Breach]:
    machines = situation.resource.published_machines(actuator_of(message))
    if machines is None:
        return
    if not machines:
        yield "$.actuator_id", f"{actuator_of(message)} is no actuator of the description"
    elif not any(timer.id == message.timer_id for machine in machines for timer in machine.timers):
        yield "$.timer_id", f"{message.timer_id} is no timer here"


@rule(
    Rule("R-60", "A status names a mode of its actuator.", "S2 documentation, operation modes", needs_session=True),
    FRBCActuatorStatus,
    DDBCActuatorStatus,
)
def actuator_is_in_a_known_mode(message: ActuatorStatus, situation: Situation) -> Iterator[Breach]:
    machines = situation.resource.published_machines(message.actuator_id)
    if machines is not None and not machines:
        yield "$.actuator_id", f"{message.actuator_id} is no actuator of the description"
    elif machines is not None and not _has_mode(machines, message.active_operation_mode_id):
        yield "$.active_operation_mode_id", f"{message.active_operation_mode_id} is no operation mode of this actuator"


@rule(Rule("R-112", "A status names a known mode.", "schema OMBC.Status", needs_session=True), OMBCStatus)
def device_is_in_a_known_mode(message: OMBCStatus, situation: Situation) -> Iterator[Breach]:
    machines = situation.resource.published_machines(actuator_of(message))
    if machines is not None and not _has_mode(machines, message.active_operation_mode_id):
        yield "$.active_operation_mode_id", f"{message.active_operation_mode_id} is no operation mode here"


def _has_mode(machines: list[Machine], mode_id: str) -> bool:
    return any(mode.id == mode_id for machine in machines for mode in machine.operation_modes)
