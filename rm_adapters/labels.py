"""What people are shown of a hosted RM: its state in a few words, with the colour of a label."""

from __future__ import annotations

from pydantic import ValidationError

from rm_adapters.models import HostedRM
from rm_adapters.state import State, UnreadableState, load

GOOD, BUSY, BAD = "success", "info", "danger"


def in_words(row: HostedRM) -> tuple[str, str | None]:
    """What the hosted RM is at, and the colour of it; None for one that only waits."""
    try:
        state = State() if row.state is None else load(row.state)
    except (UnreadableState, ValidationError):
        return "cannot be read by this release", BAD
    return _trouble(row, state) or _work(row, state) or _session(state)


def _trouble(row: HostedRM, state: State) -> tuple[str, str] | None:
    if state.unauthorised:
        return "the account has to be linked again", BAD
    if state.offline:
        return "out of reach of its vendor", BAD
    if row.failing_since is not None:
        return "failing", BAD
    return None


def _work(row: HostedRM, state: State) -> tuple[str, str] | None:
    if row.remove_by is not None:
        return "being removed", BUSY
    if state.releasing:
        return "being given back to itself", BUSY
    if state.write is not None:
        return "being written to", BUSY
    if any(order.started for order in state.orders):
        return "following an instruction", GOOD
    return None


def _session(state: State) -> tuple[str, str | None]:
    if state.link is None:
        return "no session", None
    if state.link.control_type is None:
        return "waiting to be selected", None
    return f"under {state.link.control_type.value}", GOOD
