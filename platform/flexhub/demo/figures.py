"""The street's figures: sums of what its homes wrote down, with and without energy managers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class StreetFigures:
    """`on`: with energy managers; `off`: the same homes in the same weather, left to themselves, with idle batteries;
    `metered`: as `off`, but each battery follows a meter of its own and uses the home's own solar power first.

    Self-consumption is the share of what the sun offered that was used in the homes: what was curtailed counts as not
    used, and so does all that was exported, even by a battery. Costs of `on` and `metered` are corrected for what their
    storages hold more or less than those of `off`, at the day's mean price, so that emptying a battery is no gain.
    Overruns of the main fuse are the longest streaks of any home.
    """

    homes: int
    connected: int
    devices: int
    hours: float
    self_consumption_on: float
    self_consumption_off: float
    self_consumption_metered: float
    cost_eur_on: float
    cost_eur_off: float
    cost_eur_metered: float
    paid_eur_on: float  # before that correction
    stored_more_kwh: float
    avoidable_overrun_s: float
    overrun_s_on: float
    overrun_s_off: float
    comfort_violations_on: int
    comfort_violations_off: int
    succeeded: Mapping[str, int]  # instructions that succeeded, by kind of device
    rejected: int


def read(paths: Iterable[Path]) -> StreetFigures | None:
    """Sum what these report files hold; a home that has not written yet is left out. None = nobody has."""
    reports = _reports(paths)
    return street_figures(reports) if reports else None


def _reports(paths: Iterable[Path]) -> list[dict[str, Any]]:
    reports = []
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and "on" in content and "off" in content:
            # Homes of an earlier release knew idle batteries only.
            reports.append({"metered": content["off"]} | content)
    return reports


def street_figures(reports: Iterable[Mapping[str, Any]]) -> StreetFigures:
    """Raises KeyError when a report is not one of ours."""
    homes = list(reports)
    devices = [device for home in homes for device in home["devices"]]
    return StreetFigures(
        homes=len(homes),
        connected=sum(home["connected"] for home in homes),
        devices=len(devices),
        hours=max((_hours(home) for home in homes), default=0.0),
        self_consumption_on=_self_consumption(homes, "on"),
        self_consumption_off=_self_consumption(homes, "off"),
        self_consumption_metered=_self_consumption(homes, "metered"),
        cost_eur_on=sum(_cost_eur(home, "on") for home in homes),
        cost_eur_off=sum(_cost_eur(home, "off") for home in homes),
        cost_eur_metered=sum(_cost_eur(home, "metered") for home in homes),
        paid_eur_on=sum(home["on"]["cost_eur"] for home in homes),
        stored_more_kwh=sum(_stored_more_wh(home, "on") for home in homes) / 1000,
        avoidable_overrun_s=max((home["on"]["longest_avoidable_overrun_s"] for home in homes), default=0.0),
        overrun_s_on=max((home["on"]["longest_overrun_s"] for home in homes), default=0.0),
        overrun_s_off=max((home["off"]["longest_overrun_s"] for home in homes), default=0.0),
        comfort_violations_on=sum(_violations(home["on"]) for home in homes),
        comfort_violations_off=sum(_violations(home["off"]) for home in homes),
        succeeded=_succeeded(devices),
        rejected=sum(device["instructions"].get("REJECTED", 0) for device in devices),
    )


def describe(figures: StreetFigures) -> str:
    """The three lines that the demo prints."""
    return (
        f"{figures.hours:5.1f} h  with energy managers: self-consumption {figures.self_consumption_on:4.0%},"
        f" cost {figures.cost_eur_on:7.2f} EUR ({figures.paid_eur_on:.2f} paid,"
        f" {figures.stored_more_kwh:+.0f} kWh in the storages), longest overload {figures.overrun_s_on:4.0f} s"
        f" ({figures.avoidable_overrun_s:.0f} s avoidable), comfort missed {figures.comfort_violations_on}x\n"
        f"         left to themselves, batteries idle: self-consumption {figures.self_consumption_off:4.0%},"
        f" cost {figures.cost_eur_off:7.2f} EUR, longest overload {figures.overrun_s_off:4.0f} s,"
        f" comfort missed {figures.comfort_violations_off}x\n"
        f"         with batteries on meters of their own: self-consumption {figures.self_consumption_metered:4.0%},"
        f" cost {figures.cost_eur_metered:7.2f} EUR"
    )


def _hours(home: Mapping[str, Any]) -> float:
    begin, end = datetime.fromisoformat(home["begin"]), datetime.fromisoformat(home["time"])
    return (end - begin).total_seconds() / 3600


def _self_consumption(homes: Iterable[Mapping[str, Any]], side: str) -> float:
    offered_wh = used_wh = 0.0
    for home in homes:
        offered_wh += home[side]["pv_available_wh"]
        used_wh += home[side]["self_consumed_wh"]
    return used_wh / offered_wh if offered_wh else 0.0


def _cost_eur(home: Mapping[str, Any], side: str) -> float:
    """Less what the storages hold more than those of `off`, at the mean price that it costs to fill them."""
    paid_eur: float = home[side]["cost_eur"]
    price: float = home["mean_import_eur_per_kwh"]
    return paid_eur - _stored_more_wh(home, side) / 1000 * price


def _stored_more_wh(home: Mapping[str, Any], side: str) -> float:
    more_wh: float = home[side]["stored_wh"] - home["off"]["stored_wh"]
    return more_wh


def _violations(side: Mapping[str, Any]) -> int:
    """Cars that left without their target, and homes whose buffer or dishes missed theirs."""
    return int(side["ev_missed_departures"]) + int(side["discomfort_s"] > 0) + int(side["dishwasher_late_s"] > 0)


def _succeeded(devices: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for device in devices:
        counts[device["kind"]] = counts.get(device["kind"], 0) + device["instructions"].get("SUCCEEDED", 0)
    return counts
