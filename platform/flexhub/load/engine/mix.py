"""Which messages are sent, and how often each."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a device of the load test reports."""

    MEASUREMENT = "measurement"
    ACTUATOR_STATUS = "actuator-status"
    STORAGE_STATUS = "storage-status"


#: More than this in all is a mistake, and the turns are written out.
_MOST = 10_000


class NotAMix(ValueError):
    """The text says no mix; the message says what would be one."""


def parse_mix(text: str) -> tuple[Kind, ...]:
    """`measurement=8,storage-status=1` as the turns of one round, each kind spread over it. Raises NotAMix."""
    weights: dict[Kind, int] = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        if name not in list(Kind) or not number.isdecimal():
            raise NotAMix(f"{part.strip()!r} should be one of {', '.join(Kind)}, an equals sign and a whole number")
        if name in weights:
            raise NotAMix(f"{name} stands in it twice")
        weights[Kind(name)] = int(number)
    total = sum(weights.values())
    if not 0 < total <= _MOST:
        raise NotAMix(f"the numbers of a mix should have a sum of 1 to {_MOST}, not {total}")
    # The n-th of a kind has its place at (n + 1/2) / weight of the round.
    places = [((number + 0.5) / weight, kind) for kind, weight in weights.items() for number in range(weight)]
    return tuple(kind for _, kind in sorted(places))
