"""Which sentence tells a reason, and what stands in its places."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cem_service.domain.decision import Objective
from cem_service.domain.feed import SeriesKind
from cem_service.domain.forecasts import ForecastSource
from cem_service.domain.reason import Figure, Reason, ReasonCode
from cem_service.phrases.language import Language

# A feed with more holes is called full of them, and nobody reads when each of them is.
MOST_STRETCHES = 3
# What would be told as 0.00 EUR less is no gain.
_LEAST_EUR = 0.005
_WEIGHED = frozenset({ReasonCode.STARTS, ReasonCode.RUNS, ReasonCode.PAUSES})
# Decisions for these weigh the price of now against the worth of later.
_MONEY = frozenset({Objective.SELF_CONSUMPTION, Objective.PRICE, Objective.TAKE_CONTROL})


def sentence(reason: Reason, language: Language, zone: ZoneInfo) -> str:
    """One sentence with its figures. Raises KeyError where a figure that belongs to the code is missing."""
    return language.sentences[key_of(reason)].format_map(_places(reason, language, zone))


def key_of(reason: Reason) -> str:
    code, figures = reason.code, reason.figures
    if code is ReasonCode.ENERGY:
        verbs = [verb for verb in ("takes", "gives") if f"{verb}_kwh" in figures]
        return f"{code}.{verbs[0] if len(verbs) == 1 else 'both'}"
    if code is ReasonCode.EXCEEDS:
        if reason.objective in (Objective.ACTIVATION, Objective.STEERABLE_LIMIT):
            return f"{code}.{reason.objective}"
        return code.value if figures["circuit"] == "CONNECTION" else f"{code}.phase"
    if code is ReasonCode.FORECAST:
        return f"{code}.aged" if "age_s" in figures else code.value
    if code is ReasonCode.FORECAST_SCORE:
        return f"{code}.compared" if "floor_off_by" in figures else code.value
    if code in _WEIGHED:
        return f"{code}{_what_moved_it(code, float(figures['saved_eur']))}"
    return _decided(reason) if code is ReasonCode.DECIDED else code.value


def _what_moved_it(code: ReasonCode, saved_eur: float) -> str:
    """The ending of the key: none where it was the price. A pause is never made for nothing."""
    if saved_eur >= _LEAST_EUR:
        return ""
    return ".forced" if saved_eur <= -_LEAST_EUR or code is ReasonCode.PAUSES else ".at_any_time"


def _decided(reason: Reason) -> str:
    key = f"{ReasonCode.DECIDED}.{reason.objective or Objective.PRICE}"
    if reason.objective is Objective.GRID_LIMIT:
        return f"{key}.{reason.figures['way']}"
    if reason.objective is Objective.FUSE and "circuit" in reason.figures:
        return f"{key}.phase"
    tells_worth = reason.objective in _MONEY and "worth_eur_per_kwh" in reason.figures
    return f"{key}.stored" if tells_worth else key


def _places(reason: Reason, language: Language, zone: ZoneInfo) -> dict[str, Any]:
    """Figures by their names; each sentence takes those that it has a place for."""
    figures = reason.figures
    places: dict[str, Any] = {name: _figure(name, value, language, zone) for name, value in figures.items()}
    if reason.objective is not None:
        objective = language.objectives[reason.objective]
        places |= {"objective": objective, "Objective": objective[0].upper() + objective[1:]}
    if "kind" in figures:
        kind = SeriesKind(str(figures["kind"]))
        places |= {"kind": language.kinds[kind], "instead": language.instead[kind]}
    if "forecast" in figures:
        places["forecast"] = language.forecasts[ForecastSource(str(figures["forecast"]))]
    if "age_s" in figures:
        places["age"] = _age(figures)
    if "stretches" in figures:
        places["stretches"] = _when(str(figures["stretches"]), language, zone)
    return places


def _figure(name: str, value: Figure, language: Language, zone: ZoneInfo) -> Any:
    if not isinstance(value, str):
        return language.number(value)
    if name.endswith("_at"):
        return datetime.fromisoformat(value).astimezone(zone)
    return language.piece(value) if name == "why" else value


def _age(figures: Mapping[str, Figure]) -> str:
    """Such as 3 h or 12 min."""
    minutes = int(float(figures["age_s"]) // 60)
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"


def _when(stretches: str, language: Language, zone: ZoneInfo) -> str:
    told = stretches.split()
    more = len(told) - MOST_STRETCHES
    shown = ", ".join(_between(stretch, language, zone) for stretch in told[:MOST_STRETCHES])
    return shown + (language.sentences["more_stretches"].format(number=more) if more > 0 else "")


def _between(stretch: str, language: Language, zone: ZoneInfo) -> str:
    start, end = (datetime.fromisoformat(moment).astimezone(zone) for moment in stretch.split("/"))
    if start.date() == end.date():
        return f"{start:%H:%M}-{end:%H:%M}"
    return f"{language.day(start)} {start:%H:%M}-{language.day(end)} {end:%H:%M}"
