"""The ways that a machine may go from one mode to another, in a normal condition: its transitions, and pairs of them.

Where there is no transition, the way may lead over a third mode. The machine is then told one hop at a time (R-63), but
who weighs up where to go looks at the whole way: what it costs and takes, which timers it starts and which block it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cem_service.domain.machines import Machine, ModeTransition

# Each switch wears something. Half a cent is less than any plan gains by a switch that is worth it.
SWITCH_EUR = 0.005
# Beyond this many modes there are ways enough without those over a third one.
MANY_MODES = 12


@dataclass(frozen=True, slots=True)
class Way:
    """`via` is the mode to be told first, where the way leads over one."""

    from_mode_id: str
    to_mode_id: str
    via: str | None
    start_timers: frozenset[str]
    blocking_timers: frozenset[str]
    eur: float
    duration_s: float

    @property
    def wear_eur(self) -> float:
        """The part of `eur` that nobody pays."""
        return SWITCH_EUR if self.via is None else 2 * SWITCH_EUR

    @property
    def first_mode_id(self) -> str:
        return self.to_mode_id if self.via is None else self.via


Ways = dict[str, tuple[Way, ...]]


@lru_cache(maxsize=256)
def ways_of(machine: Machine[Any]) -> Ways:
    """All ways by the mode in which they begin; never to where they began, nor to a mode for abnormal conditions."""
    modes = {mode.mode_id for mode in machine.usable_modes} | {machine.active_mode_id or ""}
    direct = {
        (start, end): _direct(start, end, transition)
        for (start, end), transition in machine.transitions.items()
        if start != end and start in modes and machine.allows(start, end) and _is_usable(machine, end)
    }
    ways: dict[str, list[Way]] = {}
    for way in (*direct.values(), *_over_a_third(direct, modes)):
        ways.setdefault(way.from_mode_id, []).append(way)
    return {start: tuple(each) for start, each in ways.items()}


def _is_usable(machine: Machine[Any], mode_id: str) -> bool:
    mode = machine.modes.get(mode_id)
    return mode is not None and not mode.abnormal_condition_only


def _direct(start: str, end: str, transition: ModeTransition) -> Way:
    return Way(
        from_mode_id=start,
        to_mode_id=end,
        via=None,
        start_timers=frozenset(transition.start_timers),
        blocking_timers=frozenset(transition.blocking_timers),
        # A reward for switching would have the machine switch for ever.
        eur=SWITCH_EUR + max(transition.cost_eur, 0.0),
        duration_s=transition.duration_s,
    )


def _over_a_third(direct: dict[tuple[str, str], Way], modes: set[str]) -> Iterator[Way]:
    """The cheapest way over a third mode between any two that have no transition, unless its first hop blocks it."""
    if len(modes) > MANY_MODES:
        return
    found: dict[tuple[str, str], Way] = {}
    for first in direct.values():
        for second in direct.values():
            ends = first.from_mode_id, second.to_mode_id
            follows = second.from_mode_id == first.to_mode_id and ends[0] != ends[1]
            if not follows or ends in direct or first.start_timers & second.blocking_timers:
                continue
            joined = _joined(first, second)
            if ends not in found or joined.eur < found[ends].eur:
                found[ends] = joined
    yield from found.values()


def _joined(first: Way, second: Way) -> Way:
    return Way(
        from_mode_id=first.from_mode_id,
        to_mode_id=second.to_mode_id,
        via=first.to_mode_id,
        start_timers=first.start_timers | second.start_timers,
        blocking_timers=first.blocking_timers | second.blocking_timers,
        eur=first.eur + second.eur,
        duration_s=first.duration_s + second.duration_s,
    )
