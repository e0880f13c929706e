"""A plan drawn as an SVG picture: pure, from numbers to text.

Panels stand below each other on one time axis: the buying price, the site's power with its limits, and each device on
a scale of its own, since a heat pump would flatten everything beside it. Times are the site's local ones. There are no
colours in here: `cem_service/admin.css` gives each class one for the light and one for the dark theme. Each quarter
hour has a tooltip with its figures, which needs no script.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

WIDTH = 960
LEFT = 64
RIGHT = 16
TITLE_HEIGHT = 34
AXIS_HEIGHT = 38
HOURS_BETWEEN_LABELS = 3
_KW = 1000.0


@dataclass(frozen=True, slots=True)
class PlanPicture:
    """What to draw. Powers in W (positive = consumption), prices in EUR/kWh; all series have one value for each step.

    `devices` are names with their planned power; two may bear one name. Without
    `buy_eur_per_kwh` the price is left out.
    """

    start: datetime
    step: timedelta
    timezone: str
    base_w: Sequence[float]
    net_w: Sequence[float]
    devices: Sequence[tuple[str, Sequence[float]]] = ()
    buy_eur_per_kwh: Sequence[float] = ()
    fuse_limit_w: float | None = None
    export_limit_w: float | None = None


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    height: int
    curves: Mapping[str, Sequence[float]]  # By CSS class, in the unit of the axis.
    limits: Mapping[str, float] = field(default_factory=dict)
    legend: Mapping[str, str] = field(default_factory=dict)
    digits: int = 1
    filled: bool = False

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest value, with zero among them and some air on the sides that are in use."""
        values = [0.0, *self.limits.values(), *(value for curve in self.curves.values() for value in curve)]
        low, high = min(values), max(values)
        air = 0.08 * ((high - low) or 1.0)
        return low - air * (low < 0), (high + air * (high > 0)) if high > low else 1.0


def draw_plan(picture: PlanPicture) -> str:
    """The picture as an `<svg>` element; every name in it is escaped."""
    panels = list(_panels(picture))
    height = sum(TITLE_HEIGHT + panel.height for panel in panels) + AXIS_HEIGHT
    parts = [
        f'<svg class="plan-chart" viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(_caption(picture))}</title>",
        *_time_axis(picture, height - AXIS_HEIGHT),
    ]
    top = 0
    for panel in panels:
        parts += _draw_panel(panel, top + TITLE_HEIGHT, len(picture.net_w))
        top += TITLE_HEIGHT + panel.height
    parts += _tooltips(picture, height - AXIS_HEIGHT)
    return "\n".join([*parts, "</svg>"])


def _panels(picture: PlanPicture) -> Iterator[_Panel]:
    if picture.buy_eur_per_kwh:
        yield _Panel("Buying price (EUR/kWh)", 72, {"price": picture.buy_eur_per_kwh}, digits=2, filled=True)
    limits = {} if picture.fuse_limit_w is None else {"fuse": picture.fuse_limit_w / _KW}
    legend = {"net": "site with this plan", "base": "base load and generation"}
    if limits:
        legend["fuse"] = f"fuse limit {limits['fuse']:,.6g} kW"
    # The limit of feeding in is drawn where the plan comes near it; far away it would only squeeze the curves.
    if picture.export_limit_w is not None and min(picture.net_w, default=0.0) < -0.5 * picture.export_limit_w:
        limits["export"] = -picture.export_limit_w / _KW
        legend["export"] = f"export limit {-limits['export']:,.6g} kW"
    yield _Panel(
        "Site (kW)", 210, {"base": _in_kw(picture.base_w), "net": _in_kw(picture.net_w)}, limits=limits, legend=legend
    )
    for name, power_w in picture.devices:
        yield _Panel(f"{name} (kW)", 56, {"device": _in_kw(power_w)}, filled=True)


def _draw_panel(panel: _Panel, top: int, steps: int) -> Iterator[str]:
    low, high = panel.span
    heights = _Heights(low, high, top, panel.height)
    yield f'<text class="title" x="{LEFT}" y="{top - 9}">{escape(panel.title)}</text>'
    yield from _legend(panel, top)
    marked = ticks(low, high, most=3 if panel.height < 100 else 5)
    digits = _digits(marked, panel.digits)
    for tick in marked:
        y = heights.of(tick)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="label" x="{LEFT - 8}" y="{y + 3.5:.1f}" text-anchor="end">{tick:.{digits}f}</text>'
    zero = heights.of(0.0)
    for style, values in panel.curves.items():
        outline = _steps(values, heights, steps)
        if panel.filled and values:
            yield f'<path class="area {style}" d="M{LEFT} {zero:.1f} L{outline[1:]} V{zero:.1f} Z"/>'
        if values:
            yield f'<path class="line {style}" d="{outline}"/>'
    yield f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{zero:.1f}" y2="{zero:.1f}"/>'
    for style, value in panel.limits.items():
        y = heights.of(value)
        yield f'<line class="limit {style}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _legend(panel: _Panel, top: int) -> Iterator[str]:
    """Right-aligned on the title's line. A letter is taken to be 6 units wide, which leaves some room."""
    x = WIDTH - RIGHT
    for style, text in reversed(list(panel.legend.items())):
        x -= 6 * len(text)
        yield f'<text class="label" x="{x}" y="{top - 9}">{escape(text)}</text>'
        kind = "limit" if style in panel.limits else "line"
        yield f'<line class="{kind} {style}" x1="{x - 24}" x2="{x - 6}" y1="{top - 13}" y2="{top - 13}"/>'
        x -= 44


@dataclass(frozen=True, slots=True)
class _Heights:
    low: float
    high: float
    top: int
    height: int

    def of(self, value: float) -> float:
        return self.top + self.height * (self.high - value) / (self.high - self.low)


def _steps(values: Sequence[float], heights: _Heights, steps: int) -> str:
    """A path that holds each value for its whole step."""
    path = [f"M{LEFT} {heights.of(values[0]):.1f}"] if values else []
    for index, value in enumerate(values):
        path.append(f"V{heights.of(value):.1f} H{_x(index + 1, steps):.1f}")
    return " ".join(path)


def _time_axis(picture: PlanPicture, bottom: int) -> Iterator[str]:
    """A line every few local hours; a day that begins gets its date, as does the first label."""
    zone = ZoneInfo(picture.timezone)
    steps, labelled = len(picture.net_w), False
    for index in range(steps + 1):
        local = (picture.start + index * picture.step).astimezone(zone)
        if local.minute or local.hour % HOURS_BETWEEN_LABELS:
            continue
        x = _x(index, steps)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TITLE_HEIGHT}" y2="{bottom}"/>'
        yield f'<text class="label" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{local:%H:%M}</text>'
        if local.hour == 0 or not labelled:
            day = f"{local:%a} {local.day} {local:%b}"
            yield f'<text class="label day" x="{x:.1f}" y="{bottom + 31}" text-anchor="middle">{day}</text>'
        labelled = True


def _tooltips(picture: PlanPicture, bottom: int) -> Iterator[str]:
    zone = ZoneInfo(picture.timezone)
    steps = len(picture.net_w)
    for index, net_w in enumerate(picture.net_w):
        local = (picture.start + index * picture.step).astimezone(zone)
        lines = [f"{local:%H:%M}", f"site {net_w:z,.0f} W", f"base {picture.base_w[index]:z,.0f} W"]
        if picture.buy_eur_per_kwh:
            lines.append(f"buying {picture.buy_eur_per_kwh[index]:z.2f} EUR/kWh")
        lines += [f"{name} {power_w[index]:z,.0f} W" for name, power_w in picture.devices]
        x, width = _x(index, steps), _x(1, steps) - LEFT
        box = f'x="{x:.1f}" y="{TITLE_HEIGHT}" width="{width:.1f}" height="{bottom - TITLE_HEIGHT}"'
        yield f'<rect class="moment" {box}><title>{escape(chr(10).join(lines))}</title></rect>'


def ticks(low: float, high: float, *, most: int) -> list[float]:
    """At most `most` + 1 round values within the span, zero among them; `low` must be below `high`."""
    least = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(least))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 9) for number in range(first, last + 1)]


def _digits(marked: Sequence[float], least: int) -> int:
    """Of each label after its point, so that it says where its tick is: `ticks` are round after nine at most."""
    return next(digits for digits in range(least, 10) if all(round(tick, digits) == tick for tick in marked))


def _x(index: int, steps: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * index / max(steps, 1)


def _in_kw(power_w: Sequence[float]) -> list[float]:
    return [value / _KW for value in power_w]


def _caption(picture: PlanPicture) -> str:
    start = picture.start.astimezone(ZoneInfo(picture.timezone))
    hours = len(picture.net_w) * picture.step / timedelta(hours=1)
    return f"Plan of {hours:g} hours from {start:%Y-%m-%d %H:%M} on, {picture.timezone} time"
