"""How long to wait before trying again: random(0, min(600 s, 2 s·2ⁿ)), as S2 Connect has clients do. Pure."""

from __future__ import annotations

FIRST_S = 2.0
LONGEST_S = 600.0
# From here on the longest counts; larger powers need not be computed.
_LAST_STEP = 9


def pause_s(failures: int, chance: float) -> float:
    """The pause after `failures` failures in a row, 0 for a connection that had lasted. `chance` is from [0, 1)."""
    return chance * min(LONGEST_S, FIRST_S * (1 << min(failures, _LAST_STEP)))


def slow_pause_s(chance: float) -> float:
    """Where trying is not likely to help before somebody changes something: between half the longest pause and it."""
    return LONGEST_S * (1 + chance) / 2
