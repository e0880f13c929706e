"""Power Profile Based Control: the CEM chooses and times the parts of a known profile (dishwashers)."""

from enum import StrEnum
from typing import Annotated, Literal

from s2.messages.model import Duration, Flag, Id, Maybe, Timestamp, items, wire_object
from s2.messages.values import PowerForecastValue


class PPBCPowerSequenceStatus(StrEnum):
    """How far the chosen sequence of a container has come."""

    NOT_SCHEDULED = "NOT_SCHEDULED"
    SCHEDULED = "SCHEDULED"
    EXECUTING = "EXECUTING"
    INTERRUPTED = "INTERRUPTED"
    FINISHED = "FINISHED"
    ABORTED = "ABORTED"


@wire_object
class PPBCPowerSequenceElement:
    """The expected values of one stretch of time, in ms, one per quantity."""

    duration: Duration
    power_values: Annotated[tuple[PowerForecastValue, ...], items(1, 10)]


@wire_object
class PPBCPowerSequence:
    """One way to run a part; `max_pause_before` is in ms."""

    id: Id
    elements: Annotated[tuple[PPBCPowerSequenceElement, ...], items(1, 288)]
    is_interruptible: Flag
    max_pause_before: Maybe[Duration] = None
    abnormal_condition_only: Flag


@wire_object
class PPBCPowerSequenceContainer:
    """A part of the profile: alternative sequences of which the CEM picks one."""

    id: Id
    power_sequences: Annotated[tuple[PPBCPowerSequence, ...], items(1, 288)]


@wire_object
class PPBCPowerProfileDefinition:
    """RM to CEM: the parts in their order, the earliest start and the latest end."""

    message_type: Literal["PPBC.PowerProfileDefinition"] = "PPBC.PowerProfileDefinition"
    message_id: Id
    id: Id
    start_time: Timestamp
    end_time: Timestamp
    power_sequences_containers: Annotated[tuple[PPBCPowerSequenceContainer, ...], items(1, 1000)]


@wire_object
class PPBCPowerSequenceContainerStatus:
    """The state of one container; `progress` is the time since the chosen sequence began, in ms."""

    power_profile_id: Id
    sequence_container_id: Id
    selected_sequence_id: Maybe[Id] = None
    progress: Maybe[Duration] = None
    status: PPBCPowerSequenceStatus


@wire_object
class PPBCPowerProfileStatus:
    """RM to CEM: the state of all containers of a profile."""

    message_type: Literal["PPBC.PowerProfileStatus"] = "PPBC.PowerProfileStatus"
    message_id: Id
    sequence_container_status: Annotated[tuple[PPBCPowerSequenceContainerStatus, ...], items(1, 1000)]


@wire_object
class PPBCScheduleInstruction:
    """CEM to RM: run this sequence of the container from this time on."""

    message_type: Literal["PPBC.ScheduleInstruction"] = "PPBC.ScheduleInstruction"
    message_id: Id
    id: Id
    power_profile_id: Id
    sequence_container_id: Id
    power_sequence_id: Id
    execution_time: Timestamp
    abnormal_condition: Flag


@wire_object
class PPBCStartInterruptionInstruction:
    """CEM to RM: pause the sequence at this time."""

    message_type: Literal["PPBC.StartInterruptionInstruction"] = "PPBC.StartInterruptionInstruction"
    message_id: Id
    id: Id
    power_profile_id: Id
    sequence_container_id: Id
    power_sequence_id: Id
    execution_time: Timestamp
    abnormal_condition: Flag


@wire_object
class PPBCEndInterruptionInstruction:
    """CEM to RM: resume the paused sequence at this time."""

    message_type: Literal["PPBC.EndInterruptionInstruction"] = "PPBC.EndInterruptionInstruction"
    message_id: Id
    id: Id
    power_profile_id: Id
    sequence_container_id: Id
    power_sequence_id: Id
    execution_time: Timestamp
    abnormal_condition: Flag
