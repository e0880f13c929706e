"""The reasons of a plan in English, one sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from cem_service.domain.decision import Objective
from cem_service.domain.reason import Reason, ReasonCode
from cem_service.domain.resource import Resource
from cem_service.planners.feed_words import feed_sentence
from cem_service.planners.plan import DevicePlan

_OBJECTIVES = {
    Objective.FUSE: "the fuse",
    Objective.EXPORT_LIMIT: "the export limit",
    Objective.GRID_LIMIT: "the limit of the grid",
    Objective.STEERABLE_LIMIT: "the limit on steerable devices",
    Objective.ACTIVATION: "an accepted activation",
    Objective.SELF_CONSUMPTION: "the use of one's own power",
    Objective.CARBON: "the grid's carbon",
    Objective.CAPACITY_TARIFF: "the capacity tariff",
    Objective.BANDWIDTH: "the bandwidth of the contract",
}


def with_words(resource: Resource, plan: DevicePlan, reasons: tuple[Reason, ...], timezone: str) -> DevicePlan:
    """The plan with its reasons, as data and in words."""
    words = (_sentence(resource.name, reason, plan.reason, ZoneInfo(timezone)) for reason in reasons)
    return replace(plan, reasons=reasons, reason=" ".join(words))


def notes(reasons: Iterable[Reason], timezone: str) -> tuple[str, ...]:
    return tuple(_note(reason, ZoneInfo(timezone)) for reason in reasons)


def _sentence(name: str, reason: Reason, excuse: str, zone: ZoneInfo) -> str:
    figures = reason.figures
    match reason.code:
        case ReasonCode.TOO_LATE:
            return f"{name} starts at {_clock(figures['starts_at'], zone)}: {excuse}."
        case ReasonCode.STARTS:
            return (
                f"{name} starts at {_clock(figures['starts_at'], zone)} and costs {figures['cost_eur']:z.2f} EUR, "
                f"{figures['saved_eur']:z.2f} EUR less than at once."
            )
        case ReasonCode.MOVED:
            return (
                f"{_cause(reason)} moves {figures['moved_kwh']:z.1f} kWh of it: at "
                f"{_clock(figures['first_at'], zone)} it takes {figures['planned_w']:z,.0f} W instead of "
                f"{figures['otherwise_w']:z,.0f} W."
            )
        case ReasonCode.COMFORT:
            return f"{name} cannot keep all its targets."
        case ReasonCode.ENERGY:
            parts = [
                f"{verb} {figures[f'{verb}_kwh']:z.1f} kWh while a kWh is worth "
                f"{figures[f'{verb}_eur_per_kwh']:z.2f} EUR"
                for verb in ("takes", "gives")
                if f"{verb}_kwh" in figures
            ]
            return f"{name} {' and '.join(parts)} over the coming 24 hours."
        case _:
            return f"{name} rests over the coming 24 hours."


def _note(reason: Reason, zone: ZoneInfo) -> str:
    figures = reason.figures
    match reason.code:
        case ReasonCode.LEFT_OUT:
            return f"{figures['name']} is left out: {figures['why']}."
        case ReasonCode.NO_METER:
            return "There is no recent reading of the main meter; only measured resources count."
        case ReasonCode.NO_HISTORY:
            return "There is no history of the base load yet; it is taken as it is now."
        case ReasonCode.FEED_NEW | ReasonCode.FEED_OLD | ReasonCode.FEED_LATE | ReasonCode.FEED_HOLES:
            return feed_sentence(reason, zone)
        case _:
            where = "" if figures["circuit"] == "CONNECTION" else f" on {figures['circuit']}"
            objective = reason.objective or Objective.FUSE
            asks = "asks for" if objective is Objective.ACTIVATION else "allows"
            return (
                f"At {_clock(figures['worst_at'], zone)} {figures['expected_w']:z,.0f} W are expected{where} and "
                f"{_OBJECTIVES.get(objective, 'a limit')} {asks} {figures['limit_w']:z,.0f} W."
            )


def _cause(reason: Reason) -> str:
    words = _OBJECTIVES.get(reason.objective or Objective.PRICE, "another objective")
    return words[0].upper() + words[1:]


def _clock(moment: object, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(str(moment)).astimezone(zone):%H:%M}"
