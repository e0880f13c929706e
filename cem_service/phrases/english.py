"""Reasons in English."""

from __future__ import annotations

from cem_service.domain.decision import Objective
from cem_service.domain.feed import SeriesKind
from cem_service.domain.forecasts import ForecastSource
from cem_service.phrases.language import Language

_MOVES = "{name} goes from {from_w:z,.0f} W to {to_w:z,.0f} W"
_INSTEAD = _MOVES + " instead of {wanted_w:z,.0f} W: "
_MONEY = "buying costs {buy_eur_per_kwh:z.2f} and feeding in earns {sell_eur_per_kwh:z.2f} EUR/kWh"
_WORTH = ", and a stored kWh is worth {worth_eur_per_kwh:z.2f} EUR later"

ENGLISH = Language(
    code="en",
    sentences={
        "outlook": "Expected cost of the next day: {cost_eur:z.2f} EUR.",
        # -- What a plan does with a resource --------------------------------------------------------------------------
        "rests": "{name} rests over the coming 24 hours.",
        "energy.takes": "{name} takes {takes_kwh:z.1f} kWh over the coming 24 hours, which costs "
        "{takes_eur_per_kwh:z.2f} EUR/kWh on average.",
        "energy.gives": "{name} gives {gives_kwh:z.1f} kWh over the coming 24 hours, which saves or earns "
        "{gives_eur_per_kwh:z.2f} EUR/kWh on average.",
        "energy.both": "{name} takes {takes_kwh:z.1f} kWh over the coming 24 hours, which costs "
        "{takes_eur_per_kwh:z.2f} EUR/kWh on average, and gives {gives_kwh:z.1f} kWh, which saves or earns "
        "{gives_eur_per_kwh:z.2f} EUR/kWh.",
        "starts": "{name} starts at {starts_at:%H:%M} and costs {cost_eur:z.2f} EUR, {saved_eur:z.2f} EUR less than at "
        "once.",
        "starts.at_any_time": "{name} starts at {starts_at:%H:%M} and costs {cost_eur:z.2f} EUR; another moment would "
        "save nothing.",
        "starts.forced": "{name} starts at {starts_at:%H:%M} and costs {cost_eur:z.2f} EUR. That is not the cheapest "
        "moment, but what comes before the price rules that out.",
        "too_late": "{name} starts at {starts_at:%H:%M}: its window is too short to hold it, so it runs as soon as it "
        "can.",
        "moved": "{Objective} moves {moved_kwh:z.1f} kWh of it: at {first_at:%H:%M} it takes {planned_w:z,.0f} W "
        "instead of {otherwise_w:z,.0f} W.",
        "comfort": "{name} cannot keep all its targets.",
        # -- What cannot be kept, and what is missing ------------------------------------------------------------------
        "exceeds": "At {worst_at:%H:%M} {expected_w:z,.0f} W are expected and {objective} allows {limit_w:z,.0f} W.",
        "exceeds.phase": "At {worst_at:%H:%M} {expected_w:z,.0f} W are expected on {circuit} and {objective} allows "
        "{limit_w:z,.0f} W.",
        # Its limit is that of the whole site, in which the rest of the household is free.
        "exceeds.steerable_limit": "At {worst_at:%H:%M} {expected_w:z,.0f} W are expected, and with {objective} the "
        "site may draw {limit_w:z,.0f} W.",
        "exceeds.activation": "At {worst_at:%H:%M} {expected_w:z,.0f} W are expected and {objective} asks for "
        "{limit_w:z,.0f} W.",
        "left_out": "{name} is left out: {why}.",
        "no_meter": "There is no recent reading of the main meter; only measured resources count.",
        "no_history": "There is no history of the base load yet; it is taken as it is now.",
        "feed_new": "{kind} from {source} have not come yet; {instead}.",
        "feed_old": "{kind} from {source} are {age} old, which is too old; {instead}.",
        "feed_late": "{kind} from {source} are late: what it said last is {age} old.",
        "feed_holes": "{kind} of {stretches} are missing from {source}; {instead}.",
        "more_stretches": " and {number:.0f} more stretches",
        # -- What a plan expects of what it does not steer -------------------------------------------------------------
        "forecast": "Forecast by {forecast}.",
        "forecast.aged": "Forecast by {forecast}, {age} old.",
        "forecast_new": "That has not been judged yet.",
        "forecast_score": "Off by {off_by:.0%} of the mean power on average (days judged: {days:.0f}).",
        "forecast_score.compared": "Off by {off_by:.0%} of the mean power on average (days judged: {days:.0f}); the "
        "day before repeated would have been off by {floor_off_by:.0%}.",
        # -- What an instruction is for --------------------------------------------------------------------------------
        "decided.fuse": _INSTEAD + "else the site would draw {site_w:z,.0f} W, and {usable_w:z,.0f} W of the fuse's "
        "{limit_w:z,.0f} W may be planned for.",
        "decided.fuse.phase": _INSTEAD + "else {circuit} would carry {load_w:z,.0f} W, and {usable_w:z,.0f} W may be "
        "planned for on a phase.",
        "decided.export_limit": _INSTEAD + "else the site would feed in {site_w:z,.0f} W, and {usable_w:z,.0f} W of "
        "{limit_w:z,.0f} W allowed may be planned for.",
        "decided.grid_limit.drawing": _INSTEAD + "{source} allows the site to draw {limit_w:z,.0f} W now.",
        "decided.grid_limit.feeding_in": _INSTEAD + "{source} allows the site to feed in {limit_w:z,.0f} W now.",
        "decided.steerable_limit": _INSTEAD + "{source} allows all steerable devices together {limit_w:z,.0f} W now.",
        "decided.target": _MOVES + ": it has to reach its target level, and energy costs {buy_eur_per_kwh:z.2f} "
        "EUR/kWh now.",
        "decided.self_consumption": _MOVES + " and brings the site from {site_before_w:z,.0f} W to "
        "{site_after_w:z,.0f} W: " + _MONEY + ".",
        "decided.self_consumption.stored": _MOVES + " and brings the site from {site_before_w:z,.0f} W to "
        "{site_after_w:z,.0f} W: " + _MONEY + _WORTH + ".",
        "decided.take_control": "{name} is at {to_w:z,.0f} W and stays so: " + _MONEY + ".",
        "decided.take_control.stored": "{name} is at {to_w:z,.0f} W and stays so: " + _MONEY + _WORTH + ".",
        "decided.price": _MOVES + ": " + _MONEY + ".",
        "decided.price.stored": _MOVES + ": " + _MONEY + _WORTH + ".",
        "runs": "{name} starts at {starts_at:%H:%M}: its {needs_kwh:z.2f} kWh cost {cost_eur:z.2f} EUR then, "
        "{saved_eur:z.2f} EUR less than at once.",
        "runs.at_any_time": "{name} starts at {starts_at:%H:%M}: its {needs_kwh:z.2f} kWh cost {cost_eur:z.2f} EUR "
        "then, and another moment would save nothing.",
        "runs.forced": "{name} starts at {starts_at:%H:%M}: its {needs_kwh:z.2f} kWh cost {cost_eur:z.2f} EUR then. "
        "That is not the cheapest moment, but what comes before the price rules that out.",
        "pauses": "{name} pauses from {starts_at:%H:%M} to {ends_at:%H:%M}: what it still has to run costs "
        "{cost_eur:z.2f} EUR so, {saved_eur:z.2f} EUR less than in one go.",
        "pauses.forced": "{name} pauses from {starts_at:%H:%M} to {ends_at:%H:%M} for what comes before the price: "
        "what it still has to run costs {cost_eur:z.2f} EUR so.",
        "goes_on": "{name} goes on at {starts_at:%H:%M}: the {needs_kwh:z.2f} kWh that are left are cheapest then.",
    },
    objectives={
        Objective.FUSE: "the fuse",
        Objective.EXPORT_LIMIT: "the export limit",
        Objective.GRID_LIMIT: "the limit of the grid",
        Objective.STEERABLE_LIMIT: "the limit on steerable devices",
        Objective.ACTIVATION: "an accepted activation",
        Objective.TARGET: "the target",
        Objective.SELF_CONSUMPTION: "the use of one's own power",
        Objective.CARBON: "the grid's carbon",
        Objective.CAPACITY_TARIFF: "the capacity tariff",
        Objective.BANDWIDTH: "the bandwidth of the contract",
        Objective.PRICE: "the price",
        Objective.START_TIME: "the start time",
        Objective.TAKE_CONTROL: "taking control",
    },
    kinds={kind: kind.label for kind in SeriesKind},
    instead={
        SeriesKind.PRICE: "the tariff's are used",
        SeriesKind.EXPORT_PRICE: "the tariff's are used",
        SeriesKind.GRID_CARBON: "a usual value is used",
        SeriesKind.IRRADIANCE: "past days are used",
        SeriesKind.TEMPERATURE: "past days are used",
        SeriesKind.IMPORT_LIMIT: "the limits of the connection are used",
        SeriesKind.EXPORT_LIMIT: "the limits of the connection are used",
    },
    forecasts={source: source.label for source in ForecastSource},
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    pieces={},
)
