"""Operation modes, the transitions between them and the timers that block these: what FRBC, OMBC and DDBC share.

A machine is the whole device under OMBC, and one actuator of it under FRBC and DDBC. It is in one mode at a time (R-60)
and goes to another one by a transition, which may take time, cost money, start timers and be blocked by others. It may
also change by itself, along no transition at all (R-59).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Generic, Protocol, TypedDict, TypeVar

from cem_service.domain.quantities import bounded
from s2.messages import (
    DDBCActuatorStatus,
    DDBCTimerStatus,
    FRBCActuatorStatus,
    FRBCTimerStatus,
    OMBCStatus,
    OMBCTimerStatus,
    Timer,
    Transition,
)

MachineStatus = OMBCStatus | FRBCActuatorStatus | DDBCActuatorStatus
TimerStatus = OMBCTimerStatus | FRBCTimerStatus | DDBCTimerStatus

# No timer is waited for longer than this; the standard's durations reach beyond what a sum of dates can hold.
LONGEST_S = 7 * 86_400.0
# By how much a device's clock may be ahead of ours.
SKEW_S = 30.0


class OperationMode(Protocol):
    @property
    def mode_id(self) -> str: ...

    @property
    def abnormal_condition_only(self) -> bool: ...


ModeT = TypeVar("ModeT", bound=OperationMode)


@dataclass(frozen=True, slots=True)
class ModeTransition:
    """`start_timers` (re)start when the transition begins (R-55); the new mode holds after `duration_s` (R-61)."""

    start_timers: tuple[str, ...]
    blocking_timers: tuple[str, ...]
    cost_eur: float
    duration_s: float
    abnormal_condition_only: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Machine(Generic[ModeT]):
    """`active_mode_id` is None while no status came. `timers_end` holds when each timer that ever ran ends.

    `previous_mode_id` and `changed_at` say where it came from and when it set out, as far as its status tells. Two
    machines are never equal, so that what is worked out for one can be kept with it.
    """

    modes: Mapping[str, ModeT]
    transitions: Mapping[tuple[str, str], ModeTransition]
    timer_durations_s: Mapping[str, float] = field(default_factory=dict)
    timers_end: Mapping[str, datetime] = field(default_factory=dict)
    active_mode_id: str | None = None
    active_factor: float = 0.0
    previous_mode_id: str | None = None
    changed_at: datetime | None = None

    @cached_property
    def usable_modes(self) -> tuple[ModeT, ...]:
        """Those that need no abnormal condition (R-38)."""
        return tuple(mode for mode in self.modes.values() if not mode.abnormal_condition_only)

    @property
    def active_mode(self) -> ModeT | None:
        return None if self.active_mode_id is None else self.modes.get(self.active_mode_id)

    def may_switch(self, to_mode_id: str, at: datetime) -> bool:
        """Whether the active mode may be left for `to_mode_id` at that moment (R-52, R-53, R-54).

        Not while the way into the active one is under way: the next hop comes after it (R-61, R-63).
        """
        if self.active_mode_id is None:
            return False
        if to_mode_id != self.active_mode_id and self.on_its_way_s(at) > 0.0:
            return False
        return self.allows(self.active_mode_id, to_mode_id) and not self.is_blocked(self.active_mode_id, to_mode_id, at)

    def allows(self, from_mode_id: str, to_mode_id: str) -> bool:
        """Whether the description has a way from one mode to the other in one hop, in a normal condition."""
        if from_mode_id == to_mode_id:
            return True
        transition = self.transitions.get((from_mode_id, to_mode_id))
        return transition is not None and not transition.abnormal_condition_only

    def is_blocked(self, from_mode_id: str, to_mode_id: str, at: datetime) -> bool:
        if from_mode_id == to_mode_id:
            return False
        transition = self.transitions.get((from_mode_id, to_mode_id))
        timers = transition.blocking_timers if transition else ()
        return any(at < self.timers_end[timer] for timer in timers if timer in self.timers_end)

    def on_its_way_s(self, at: datetime) -> float:
        """For how many seconds more it still acts as the mode that it left (R-61); mostly 0."""
        if self.previous_mode_id is None or self.active_mode_id is None or self.changed_at is None:
            return 0.0
        transition = self.transitions.get((self.previous_mode_id, self.active_mode_id))
        elapsed_s = (at - self.changed_at) / timedelta(seconds=1)
        if transition is None or self.previous_mode_id not in self.modes or elapsed_s < -SKEW_S:
            return 0.0
        return max(transition.duration_s - max(elapsed_s, 0.0), 0.0)


def what_actuators_miss(actuators: Sequence[Machine[Any]]) -> str | None:
    """Why the actuators of one device cannot be steered; None where they can."""
    if any(actuator.active_mode is None for actuator in actuators):
        return "no actuator status yet, or one with an unknown mode"
    if not any(actuator.usable_modes for actuator in actuators):
        return "all its operation modes are for abnormal conditions"
    return None


class MachineFacts(TypedDict):
    """The fields of a machine that are read alike for every control type."""

    transitions: dict[tuple[str, str], ModeTransition]
    timer_durations_s: dict[str, float]
    timers_end: dict[str, datetime]
    active_mode_id: str | None
    active_factor: float
    previous_mode_id: str | None
    changed_at: datetime | None


def machine_facts(
    transitions: Iterable[Transition],
    timers: Iterable[Timer],
    status: MachineStatus | None,
    timer_statuses: Iterable[TimerStatus],
) -> MachineFacts:
    return MachineFacts(
        transitions=_read_transitions(transitions),
        timer_durations_s={timer.id: _seconds(timer.duration) for timer in timers},
        timers_end={timer.timer_id: timer.finished_at for timer in timer_statuses},
        active_mode_id=status.active_operation_mode_id if status else None,
        active_factor=min(max(status.operation_mode_factor, 0.0), 1.0) if status else 0.0,
        previous_mode_id=status.previous_operation_mode_id if status else None,
        changed_at=status.transition_timestamp if status else None,
    )


def _read_transitions(transitions: Iterable[Transition]) -> dict[tuple[str, str], ModeTransition]:
    """Of several ways between the same two modes one for abnormal conditions counts only where there is no other."""
    ways: dict[tuple[str, str], ModeTransition] = {}
    for transition in sorted(transitions, key=lambda one: not one.abnormal_condition_only):
        ways[transition.from_, transition.to] = ModeTransition(
            start_timers=tuple(transition.start_timers),
            blocking_timers=tuple(transition.blocking_timers),
            cost_eur=bounded(transition.transition_costs or 0.0),
            duration_s=_seconds(transition.transition_duration or 0),
            abnormal_condition_only=transition.abnormal_condition_only,
        )
    return ways


def _seconds(duration_ms: int) -> float:
    return min(duration_ms / 1000, LONGEST_S)
