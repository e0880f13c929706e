"""Transitions and timers: the same in OMBC, FRBC and DDBC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from rm_adapters.sdk.ids import stable_id
from rm_adapters.sdk.units import to_ms
from s2.messages import Timer, Transition


def blocking_timer(timer_id: str, duration: timedelta, label: str | None = None) -> Timer:
    return Timer(id=timer_id, diagnostic_label=label, duration=to_ms(duration))


def transition(
    from_id: str,
    to_id: str,
    *,
    starts: Iterable[str] = (),
    blocked_by: Iterable[str] = (),
    takes: timedelta | None = None,
    abnormal_only: bool = False,
) -> Transition:
    """The way between two modes, with the ids of the timers that it starts and that block it."""
    return Transition(
        id=stable_id("transition", from_id, to_id),
        from_=from_id,
        to=to_id,
        start_timers=tuple(starts),
        blocking_timers=tuple(blocked_by),
        transition_duration=None if takes is None else to_ms(takes),
        abnormal_condition_only=abnormal_only,
    )
