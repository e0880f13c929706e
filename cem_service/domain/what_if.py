"""What is asked about a site's coming day, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass

from cem_service.domain.tariff import Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What is different; nothing, unless said otherwise.

    `tariff` counts instead of the site's and of its feeds of prices. `comfort_percent` of what a store holds are added
    to the levels that it is wanted to keep, or taken off them. `cem_off`: everybody minds himself.
    """

    tariff: Tariff | None = None
    comfort_percent: float = 0.0
    cem_off: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the coming 24 hours. `missed` are those that cannot keep their targets.

    `bill_eur` is what its energy costs, peaks and carbon included where the site counts them; `eur` also counts what
    running devices costs, less the worth of what is in their stores at the end.
    """

    eur: float
    bill_eur: float
    drawn_kwh: float
    fed_in_kwh: float
    peak_w: float
    missed: tuple[str, ...]
