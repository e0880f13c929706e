"""From vendors' units and signs to those of S2. Adapters do not multiply by 1000 themselves.

S2 powers are in W at the grid side; consuming is positive, producing negative. A name says what the vendor means.
"""

from __future__ import annotations

from datetime import timedelta

_S_PER_H = 3600.0


def kw_to_w(consumed_kw: float) -> float:
    return consumed_kw * 1000.0


def produced_w(magnitude_w: float) -> float:
    """A production, or a discharge, that the vendor counts as positive."""
    return 0.0 - magnitude_w  # Not -0.0, which would be published as such.


def produced_kw_to_w(magnitude_kw: float) -> float:
    return produced_w(kw_to_w(magnitude_kw))


def charge_and_discharge_kw_to_w(charge_kw: float, discharge_kw: float) -> float:
    """Two magnitudes of which one is zero, mostly."""
    return kw_to_w(charge_kw - discharge_kw)


def current_to_w(current_a: float, voltage_v: float, phases: int = 1) -> float:
    """The power of a current that is the same in each phase."""
    return current_a * voltage_v * phases


def w_to_current(power_w: float, voltage_v: float, phases: int = 1) -> float:
    return power_w / (voltage_v * phases)


def to_ms(duration: timedelta) -> int:
    """An S2 duration: whole milliseconds."""
    return round(duration / timedelta(milliseconds=1))


def percent_per_s(power_w: float, capacity_wh: float) -> float:
    """How fast this power, as it arrives in the store, fills it."""
    return power_w / (capacity_wh * _S_PER_H) * 100.0


def kelvin_per_s(power_w: float, capacity_wh_per_k: float) -> float:
    """How fast this heat warms what has this capacity."""
    return power_w / (capacity_wh_per_k * _S_PER_H)


def gas_w_to_l_per_s(power_w: float, heating_value_wh_per_l: float = 9.77) -> float:
    """The flow of natural gas that bears this power; the heating value is that of Dutch gas by default."""
    return power_w / heating_value_wh_per_l / _S_PER_H
