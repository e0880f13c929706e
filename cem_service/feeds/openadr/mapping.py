"""Prices, grid carbon and limits out of the events of an OpenADR 3 VTN. Pure.

An event holds intervals, and each of these payloads: a type with a list of values, here of one number. Units and
currency stand in a payload descriptor of the event, or of its program. An interval may say when it is, in whole or in
part; the rest is that of the event, and without a start of its own it follows the one before, the first from the
event's start. A start in the year 1, in 3.0 also in the year 0, is no date either: it stands for "at once", or "right
after the interval before". A duration of P9999Y, of PT0S, which is also the default, or none means that prices and
limits hold until further notice. An event with a duration of its own, from 3.1 on, repeats its intervals until that is
over, or ends before they do. Of events that speak of the same time the one of the higher priority counts (a lower
number; without one, the lowest there is). Among equals the lower limit counts, and the price that was said last.
`randomizeStart` is a wish to spread loads, and is left out: a limit holds from its start.

Source: the OpenAPI document of OpenADR 3.0.1 (schemas event, interval, intervalPeriod, eventPayloadDescriptor), the
enumerations of OpenADR 3.1 (event interval payloads, units) and its User Guide (7.3 and 7.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf

import numpy as np

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Empty, Malformed, Place, Refused, Series
from cem_service.feeds.sdk.values import MOST_PIECES

_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {
    "years": 365 * 86_400,
    "months": 30 * 86_400,
    "weeks": 7 * 86_400,
    "days": 86_400,
    "hours": 3_600,
    "minutes": 60,
    "seconds": 1,
}
# What VTNs call the beginning of time; and ours, with its end, between which lies every date that is read. Arithmetic
# with dates has to go on working.
_BEGINNINGS = ("0001-01-01", "0000-00-00")
_BEGINNING_OF_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_END_OF_TIME = datetime(2300, 1, 1, tzinfo=UTC)
_FOR_EVER = _END_OF_TIME - _BEGINNING_OF_TIME
# Far more than a series holds, and little to compute.
_MOST_REPEATED = 100_000
_LIMITS = frozenset({SeriesKind.IMPORT_LIMIT, SeriesKind.EXPORT_LIMIT})


@dataclass(frozen=True, slots=True)
class _Payload:
    """What a type of payload is to us, and in which units it may come, with the factor to ours."""

    kind: SeriesKind
    units: Mapping[str | None, float]
    has_currency: bool = False


_PAYLOADS: Mapping[str, _Payload] = {
    "PRICE": _Payload(SeriesKind.PRICE, {"KWH": 1.0}, has_currency=True),
    "EXPORT_PRICE": _Payload(SeriesKind.EXPORT_PRICE, {"KWH": 1.0}, has_currency=True),
    # Its unit is g/kWh by definition; a descriptor may repeat that.
    "GHG": _Payload(SeriesKind.GRID_CARBON, {"GHG": 1.0, None: 1.0}),
    "IMPORT_CAPACITY_LIMIT": _Payload(SeriesKind.IMPORT_LIMIT, {"KW": 1000.0}),
    "EXPORT_CAPACITY_LIMIT": _Payload(SeriesKind.EXPORT_LIMIT, {"KW": 1000.0}),
}


@dataclass(frozen=True, slots=True)
class _Word:
    """One value for one stretch of time; `rank` says what outranks it: the greater one counts."""

    rank: tuple[float, float]
    start: datetime
    end: datetime
    value: float


def chosen_programs(programs: Iterable[Place], wanted: str | None) -> dict[str, Place]:
    """Programs by their id: all, or the one of that id or name. Raises Empty, Malformed and Refused."""
    found = {(program / "id").text(): program for program in programs}
    if wanted is not None:
        found = {key: each for key, each in found.items() if wanted in (key, (each / "programName").value)}
        if not found:
            raise Refused("the VTN has no program of this id or name for us")
    if not found:
        raise Empty("the VTN has no program for us")
    return found


def series(
    programs: Mapping[str, Place], events: Iterable[Place], names: frozenset[str], start: datetime, end: datetime
) -> tuple[Series, ...]:
    """One series for each kind, of what holds anywhere between `start` and `end`. Raises Malformed.

    Nothing is cut off at the two: what is said again is the same, whenever it is asked for.
    """
    words: dict[SeriesKind, list[_Word]] = {each.kind: [] for each in _PAYLOADS.values()}
    for event in events:
        program = programs.get((event / "programID").text())
        if program is not None and _is_for_us(event, names):
            for kind, word in _words(event, program, start, end):
                words[kind].append(word)
    return tuple(_painted(kind, found) for kind, found in words.items())


def _is_for_us(event: Place, names: frozenset[str]) -> bool:
    """Without targets an event is for everybody. In 3.0 a target has a type and values, in 3.1 it is a name."""
    targets = event / "targets"
    if not targets.value:
        return True
    meant: set[str] = set()
    for target in targets.items():
        values = (target / "values").items() if isinstance(target.value, dict) else (target,)
        meant.update(value.text() for value in values)
    return not names.isdisjoint(meant)


def _words(event: Place, program: Place, start: datetime, end: datetime) -> Iterator[tuple[SeriesKind, _Word]]:
    descriptors = {**_descriptors(program), **_descriptors(event)}
    priority = (event / "priority").number_or_none()
    said_at = event / "modificationDateTime"
    urgency = -inf if priority is None else -priority
    age = 0.0 if said_at.value is None else said_at.moment().timestamp()
    for interval, begins, ends in _rounds(event, start, end):
        for payload in (interval / "payloads").items():
            known = _PAYLOADS.get((payload / "type").text())
            if known is not None and begins < end and start < ends:
                value = _value(payload, known, descriptors)
                second = -value if known.kind in _LIMITS else age
                yield known.kind, _Word((urgency, second), begins, ends, value)


def _rounds(event: Place, start: datetime, end: datetime) -> Iterator[tuple[Place, datetime, datetime]]:
    """The intervals for as long as the event lasts: of those that repeat, what may lie between `start` and `end`."""
    intervals = list(_intervals(event))
    lasts = _duration(event / "duration")
    if not intervals or not lasts:
        yield from intervals
        return
    first = min(begins for _, begins, _ in intervals)
    cycle = max(ends for _, _, ends in intervals) - first
    until = min(first + lasts, _END_OF_TIME)
    rounds = range(max((start - first) // cycle, 0), -((first - min(until, end)) // cycle))
    if len(rounds) * len(intervals) > _MOST_REPEATED:
        raise (event / "duration").malformed("repeats the intervals too often")
    for shift in (number * cycle for number in rounds):
        for interval, begins, ends in intervals:
            if begins + shift < until:
                yield interval, begins + shift, min(ends + shift, until)


def _intervals(event: Place) -> Iterator[tuple[Place, datetime, datetime]]:
    """Each interval with its beginning and end; none of an event that only wants reports."""
    if (event / "intervals").value is None:
        return
    default = event / "intervalPeriod"
    following = _start(default, None)
    for interval in (event / "intervals").items():
        own = interval / "intervalPeriod"
        begins = _start(own, following)
        if begins is None:
            raise interval.malformed("should have an intervalPeriod with a start, or else its event")
        length = _duration(_member(own, "duration"))
        if length is None:
            length = _duration(_member(default, "duration"))
        ends = min(begins + (length or _FOR_EVER), _END_OF_TIME)
        yield interval, begins, ends
        following = ends


def _start(period: Place, following: datetime | None) -> datetime | None:
    """`following` where the period names no date."""
    start = _member(period, "start")
    if start.value is None:
        return following
    if start.text().startswith(_BEGINNINGS):
        return following or _BEGINNING_OF_TIME
    return start.moment()


def _member(period: Place, name: str) -> Place:
    """The period itself, which is None, where there is none."""
    return period if period.value is None else period / name


def _value(payload: Place, known: _Payload, descriptors: Mapping[str, Place]) -> float:
    kind = str((payload / "type").value)
    descriptor = descriptors.get(kind, Place({}, "payloadDescriptors"))
    units = descriptor / "units"
    # In a tuple, since a VTN may answer what no dictionary can look up, such as a list.
    if units.value not in tuple(known.units):
        expected = " or ".join(each for each in known.units if each)
        raise Malformed(f"{descriptor.path}.units", f"should be {expected} for {kind}")
    if known.has_currency:
        (descriptor / "currency").word("EUR")
    values = list((payload / "values").items())
    if len(values) != 1:
        raise (payload / "values").malformed("should hold one number")
    value = values[0].number() * known.units[units.value]
    if value < 0 and not known.has_currency:
        raise values[0].malformed("should not be below 0")
    return value


def _descriptors(holder: Place) -> dict[str, Place]:
    """By the type of payload that they describe."""
    found = holder / "payloadDescriptors"
    if found.value is None:
        return {}
    return {(each / "payloadType").text(): each for each in found.items()}


def _duration(place: Place) -> timedelta | None:
    """ISO 8601; a year has 365 days and a month 30. None where nothing is said."""
    if place.value is None:
        return None
    match = _DURATION.fullmatch(place.text())
    parts = {} if match is None else {name: text for name, text in match.groupdict().items() if text is not None}
    if not parts or any(len(text) > 12 for text in parts.values()):
        raise place.malformed("should be a duration such as PT15M")
    seconds = sum(float(text) * _SECONDS[name] for name, text in parts.items())
    return min(timedelta(seconds=min(seconds, _FOR_EVER.total_seconds())), _FOR_EVER)


def _painted(kind: SeriesKind, words: list[_Word]) -> Series:
    """What counts at each moment: the words are laid over each other, the highest rank last."""
    if len(words) > MOST_PIECES:
        raise Malformed("events", f"hold more than {MOST_PIECES} values of one kind")
    moments = sorted({moment for word in words for moment in (word.start, word.end)})
    values = np.full(max(len(moments) - 1, 0), np.nan)
    place = {moment: index for index, moment in enumerate(moments)}
    for word in sorted(words, key=lambda each: each.rank):
        values[place[word.start] : place[word.end]] = word.value
    known = [
        (moments[index], moments[index + 1], float(value)) for index, value in enumerate(values) if not np.isnan(value)
    ]
    return Series.of(kind, known, field="events")
