from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cem_service.plan_chart import LEFT, RIGHT, WIDTH, PlanPicture, draw_plan, ticks

SVG = "{http://www.w3.org/2000/svg}"
# Noon in Amsterdam, on an ordinary day.
PICTURE = PlanPicture(
    start=datetime(2026, 4, 21, 10, 0, tzinfo=UTC),
    step=timedelta(minutes=15),
    timezone="Europe/Amsterdam",
    base_w=[500.0] * 96,
    net_w=[1500.0] * 48 + [-2000.0] * 48,
    devices=[("Battery", [1000.0] * 48 + [-2500.0] * 48)],
    buy_eur_per_kwh=[0.2] * 48 + [0.4] * 48,
    fuse_limit_w=17_250.0,
)


def drawn(picture: PlanPicture) -> ET.Element:
    return ET.fromstring(draw_plan(picture))  # noqa: S314 - Our own text.


def texts(picture: PlanPicture) -> list[str]:
    return [element.text or "" for element in drawn(picture).iter(f"{SVG}text")]


def path(picture: PlanPicture, style: str) -> str:
    (line,) = (each for each in drawn(picture).iter(f"{SVG}path") if each.get("class") == f"line {style}")
    return line.get("d") or ""


def heights(outline: str) -> list[float]:
    return [float(number) for number in re.findall(r"V([\d.]+)", outline)]


def test_it_names_each_panel_with_its_unit() -> None:
    shown = texts(PICTURE)

    assert [title for title in shown if "(" in title] == ["Buying price (EUR/kWh)", "Site (kW)", "Battery (kW)"]
    assert {"site with this plan", "base load and generation", "fuse limit 17.25 kW"} <= set(shown)


def test_a_step_of_the_plan_is_a_step_of_the_line() -> None:
    outline = path(PICTURE, "net")

    high, low = heights(outline)[0], heights(outline)[-1]
    assert len(heights(outline)) == 96
    assert high < low  # An SVG counts from above.
    assert outline.startswith(f"M{LEFT} ")
    assert outline.endswith(f"H{WIDTH - RIGHT:.1f}")


def test_the_labels_are_local_times_and_say_where_a_day_begins() -> None:
    shown = texts(PICTURE)

    assert shown[:2] == ["12:00", "Tue 21 Apr"]
    assert shown[shown.index("00:00") + 1] == "Wed 22 Apr"


def test_the_labels_of_a_day_of_25_hours_are_true() -> None:
    autumn = replace(PICTURE, start=datetime(2026, 10, 24, 22, 0, tzinfo=UTC))

    shown = [text for text in texts(autumn) if re.fullmatch(r"\d\d:\d\d", text)]

    # 24 elapsed hours from midnight end at 23:00: the hour from two to three came twice.
    assert shown == ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]


def test_the_fuse_is_above_all_that_stays_below_it() -> None:
    lines = [line for line in drawn(PICTURE).iter(f"{SVG}line") if line.get("class") == "limit fuse"]

    (_legend, fuse) = (float(line.get("y1") or 0) for line in lines)
    assert fuse < min(heights(path(PICTURE, "net")))


def test_the_export_limit_shows_where_the_plan_comes_near_it() -> None:
    near, far = (replace(PICTURE, export_limit_w=limit_w) for limit_w in (3000.0, 17_000.0))

    assert "export limit 3 kW" in texts(near)
    assert not any("export" in text for text in texts(far))


def test_a_quarter_hour_tells_its_figures() -> None:
    (_, first, *others) = (element.text or "" for element in drawn(PICTURE).iter(f"{SVG}title"))

    assert first == "12:00\nsite 1,500 W\nbase 500 W\nbuying 0.20 EUR/kWh\nBattery 1,000 W"
    assert len(others) == 95


@pytest.mark.parametrize(
    ("power_w", "labels"),
    [(20.0, ["0.00", "0.01", "0.02"]), (-4.0, ["-0.004", "-0.002", "0.000"]), (2000.0, ["0.0", "1.0", "2.0"])],
)
def test_the_labels_of_a_small_device_tell_where_they_are(power_w: float, labels: list[str]) -> None:
    small = replace(PICTURE, buy_eur_per_kwh=(), devices=[("Fridge", [power_w] * 96)])

    shown = texts(small)

    assert shown[shown.index("Fridge (kW)") + 1 :] == labels


def test_nothing_has_no_sign() -> None:
    still = replace(PICTURE, base_w=[-0.2] * 96, net_w=[-0.0] * 96, devices=[("Car", [-0.4] * 96)])

    first = [element.text or "" for element in drawn(still).iter(f"{SVG}title")][1]

    assert first == "12:00\nsite 0 W\nbase 0 W\nbuying 0.20 EUR/kWh\nCar 0 W"


def test_the_limits_of_a_factory_are_told_in_full() -> None:
    factory = replace(PICTURE, net_w=[-9e6] * 96, fuse_limit_w=12_345_000.0, export_limit_w=10_000_000.0)

    assert {"fuse limit 12,345 kW", "export limit 10,000 kW"} <= set(texts(factory))


def test_a_name_cannot_break_out() -> None:
    hostile = "</title><script>alert(1)</script>\"'&"

    text = draw_plan(replace(PICTURE, devices=[(hostile, [0.0] * 96)]))

    assert "<script" not in text
    assert f"{hostile} (kW)" in texts(replace(PICTURE, devices=[(hostile, [0.0] * 96)]))


def test_it_takes_no_colour_and_no_script_with_it() -> None:
    text = draw_plan(PICTURE)

    assert not re.search(r"style=|fill=|stroke=|<script|href", text)


def test_two_devices_of_one_name_are_both_drawn() -> None:
    twice = replace(PICTURE, devices=[*PICTURE.devices, *PICTURE.devices])

    assert texts(twice).count("Battery (kW)") == 2


@pytest.mark.parametrize("values", [[], [0.0], [0.0] * 96, [-1e6] * 4])
def test_odd_plans_are_drawn(values: Sequence[float]) -> None:
    bare = PlanPicture(PICTURE.start, PICTURE.step, "UTC", values, values, [("Odd", values)])

    assert drawn(bare).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 0.42, 3, [0.0, 0.2, 0.4]),
        (-5.2, 8.1, 5, [-5.0, 0.0, 5.0]),
        (0.0, 1.0, 3, [0.0, 0.5, 1.0]),
        (-3000.0, -0.0, 3, [-3000.0, -2000.0, -1000.0, 0.0]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, most: int, expected: list[float]) -> None:
    assert ticks(low, high, most=most) == expected
