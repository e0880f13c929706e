"""The street's figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from flexhub.demo.figures import describe, read, street_figures


def side(**changes: Any) -> dict[str, Any]:
    return {
        "cost_eur": 5.0,
        "pv_available_wh": 10_000.0,
        "self_consumed_wh": 4000.0,
        "stored_wh": 8000.0,
        "longest_overrun_s": 0.0,
        "longest_avoidable_overrun_s": 0.0,
        "discomfort_s": 0.0,
        "ev_missed_departures": 0,
        "dishwasher_late_s": 0.0,
    } | changes


def home(on: dict[str, Any], off: dict[str, Any], metered: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "begin": "2026-04-21T08:30:00+00:00",
        "time": "2026-04-21T20:30:00+00:00",
        "mean_import_eur_per_kwh": 0.25,
        "connected": 2,
        "devices": [
            {"kind": "PV", "instructions": {"SUCCEEDED": 3, "REJECTED": 1}},
            {"kind": "METER", "instructions": {}},
        ],
        "on": on,
        "off": off,
        "metered": off if metered is None else metered,
    }


def test_sums_the_homes() -> None:
    figures = street_figures(
        [home(side(self_consumed_wh=7000.0), side()), home(side(pv_available_wh=0.0, self_consumed_wh=0.0), side())]
    )

    assert figures.self_consumption_on == pytest.approx(0.7)
    assert figures.self_consumption_off == pytest.approx(0.4)
    assert (figures.homes, figures.connected, figures.devices) == (2, 4, 4)
    assert figures.hours == 12
    assert figures.succeeded == {"PV": 6, "METER": 0}
    assert figures.rejected == 2


def test_emptying_a_battery_is_no_gain() -> None:
    figures = street_figures([home(side(cost_eur=4.0, stored_wh=4000.0), side(cost_eur=5.0))])

    assert figures.cost_eur_on == pytest.approx(4.0 + 4 * 0.25)
    assert (figures.paid_eur_on, figures.stored_more_kwh) == (4.0, -4.0)
    assert figures.cost_eur_off == 5.0


def test_batteries_on_meters_of_their_own_are_held_against_idle_ones_in_the_same_way() -> None:
    metered = side(cost_eur=4.0, stored_wh=10_000.0, self_consumed_wh=6000.0)
    figures = street_figures([home(side(), side(), metered), home(side(), side())])

    assert figures.self_consumption_metered == pytest.approx(0.5)
    assert figures.cost_eur_metered == pytest.approx(4.0 - 2 * 0.25 + 5.0)
    assert (figures.cost_eur_on, figures.cost_eur_off, figures.stored_more_kwh) == (10.0, 10.0, 0.0)


def test_the_longest_overload_of_any_home_counts() -> None:
    figures = street_figures(
        [
            home(side(longest_overrun_s=8.0, longest_avoidable_overrun_s=3.0), side(longest_overrun_s=900.0)),
            home(side(longest_overrun_s=20.0), side()),
        ]
    )

    assert (figures.overrun_s_on, figures.avoidable_overrun_s, figures.overrun_s_off) == (20.0, 3.0, 900.0)


def test_each_missed_comfort_counts() -> None:
    figures = street_figures([home(side(discomfort_s=5.0, ev_missed_departures=2), side(dishwasher_late_s=1.0))])

    assert (figures.comfort_violations_on, figures.comfort_violations_off) == (3, 1)


def test_reads_what_is_there(tmp_path: Path) -> None:
    good, broken = tmp_path / "1.json", tmp_path / "2.json"
    good.write_text(json.dumps(home(side(), side())), encoding="utf-8")
    broken.write_text("{", encoding="utf-8")

    assert read([broken, tmp_path / "3.json"]) is None
    figures = read([good, broken])

    assert figures is not None
    assert figures.homes == 1


def test_a_report_without_the_metered_home_counts_as_idle(tmp_path: Path) -> None:
    old = home(side(), side(cost_eur=6.0))
    del old["metered"]
    path = tmp_path / "1.json"
    path.write_text(json.dumps(old), encoding="utf-8")

    figures = read([path])

    assert figures is not None
    assert figures.cost_eur_metered == 6.0


def test_three_lines_say_it_all() -> None:
    street = street_figures([home(side(cost_eur=4.5), side(), side(cost_eur=4.75, self_consumed_wh=6100.0))])
    lines = describe(street).splitlines()

    assert len(lines) == 3
    assert "4.50 EUR" in lines[0]
    assert "5.00 EUR" in lines[1]
    assert lines[2].strip() == "with batteries on meters of their own: self-consumption  61%, cost    4.75 EUR"
