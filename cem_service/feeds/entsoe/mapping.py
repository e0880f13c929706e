"""Day-ahead prices out of ENTSO-E's XML. Pure.

A Publication_MarketDocument (IEC 62325-451-3) holds a TimeSeries for each auction and market day; for some zones also
those of intraday auctions, whose sequences are numbered anew, and which are passed over. Each holds a Period whose
points are numbered from 1. Under curve type A03 a point holds until the next one that is given, so a missing position
repeats the price before it; under A01 it is missing. A day has 23, 24 or 25 hours: the interval says so, since it is
given in UTC. No data are an Acknowledgement_MarketDocument with reason code 999.

Sources: https://transparencyplatform.zendesk.com/hc/en-us/articles/30262342482961-CurveType-A01-vs-CurveType-A03 and
the knowledge base's "ENTSO-E Transparency XML schema use 1.0", page 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk import Empty, Malformed, Piece, Place, Refused, Series
from cem_service.feeds.sdk.reading import finite

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NO_DATA = "999"
_RESOLUTIONS = {"PT15M": timedelta(minutes=15), "PT30M": timedelta(minutes=30), "PT60M": timedelta(hours=1)}
_REPEATS = "A03"
_FIXED = "A01"
_CONTRACT = "contract_MarketAgreement.type"
_DAY_AHEAD = "A01"
_SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"
_KWH_PER_MWH = 1000.0
# A market day of 25 hours in quarter hours.
_MOST_POINTS = 100


def prices(document: bytes, auction: int | None = None) -> Series:
    """Prices in EUR/kWh. Raises Empty, Malformed and Refused.

    Where two series have a price for one moment, that of the lower sequence counts, and of two with the same the one in
    shorter steps. With `auction` only that sequence is read.
    """
    root = _parsed(document)
    if _name(root) == "Acknowledgement_MarketDocument":
        raise _refusal(root)
    if _name(root) != "Publication_MarketDocument":
        raise Malformed("answer", "should be a Publication_MarketDocument")
    day_ahead = [each for each in _children(root, "TimeSeries") if _is_day_ahead(each)]
    offered = sorted(((_sequence(each), _resolution(each), each) for each in day_ahead), key=_rank)
    chosen = [each for sequence, _, each in offered if auction is None or sequence == auction]
    if not chosen:
        raise Empty("the document holds no day-ahead prices of this auction")
    return Series.of(SeriesKind.PRICE, _without_overlap(chosen), field="TimeSeries")


def _without_overlap(time_series: Iterable[Element]) -> list[Piece]:
    """Of the pieces of all series, the earlier series first, those that lie where none was before."""
    kept: dict[datetime, Piece] = {}
    taken: set[datetime] = set()
    for each in time_series:
        pieces = list(_pieces(each))
        new = [piece for piece in pieces if taken.isdisjoint(_quarters(piece))]
        kept |= {piece[0]: piece for piece in new}
        taken.update(*map(_quarters, new))
    return list(kept.values())


def _quarters(piece: Piece) -> list[datetime]:
    start, end, _ = piece
    return [start + index * _RESOLUTIONS["PT15M"] for index in range((end - start) // _RESOLUTIONS["PT15M"])]


def _pieces(series: Element) -> Iterator[Piece]:
    _expect(series, "currency_Unit.name", "EUR")
    _expect(series, "price_Measure_Unit.name", "MWH")
    curve = _text(series, "curveType", default=_FIXED)
    if curve not in {_FIXED, _REPEATS}:
        raise Malformed("TimeSeries.curveType", f"should be {_FIXED} or {_REPEATS}")
    for period in _children(series, "Period"):
        yield from _of_period(period, repeats=curve == _REPEATS)


def _of_period(period: Element, *, repeats: bool) -> Iterator[Piece]:
    step = _step(period)
    interval = _child(period, "timeInterval")
    start, end = _moment(interval, "start"), _moment(interval, "end")
    count, rest = divmod(end - start, step)
    if rest or not 0 < count <= _MOST_POINTS:
        raise Malformed("Period.timeInterval", "should be a market day in whole steps of its resolution")
    given = _points(period, count)
    price: float | None = None
    for position in range(1, count + 1):
        price = given.get(position, price if repeats else None)
        at = start + (position - 1) * step
        if price is not None:
            yield at, at + step, price


def _points(period: Element, count: int) -> dict[int, float]:
    """Prices in EUR/kWh by position."""
    found: dict[int, float] = {}
    for point in _children(period, "Point"):
        text = _text(point, "position")
        position = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        if not 1 <= position <= count:
            raise Malformed("Point.position", f"should be from 1 to {count}")
        if position in found:
            raise Malformed("Point.position", f"{position} is given twice")
        found[position] = _number(point, "price.amount") / _KWH_PER_MWH
    return found


def _refusal(root: Element) -> Empty | Refused:
    reason = _child(root, "Reason")
    code = _text(reason, "code")
    if code != _NO_DATA:
        return Refused(f"the provider refuses the question with reason code {code[:10]}")
    # It also says 999 of a question that it does not understand, and the text alone tells.
    if "No matching data" not in _text(reason, "text", default="No matching data"):
        return Refused("the provider does not understand the question: is the bidding zone right?")
    return Empty("the provider has no prices for this time")


def _is_day_ahead(series: Element) -> bool:
    return _text(series, _CONTRACT, default=_DAY_AHEAD) == _DAY_AHEAD


def _sequence(series: Element) -> int:
    """Of the auction; a zone with one auction names none."""
    text = _text(series, _SEQUENCE, default="1")
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Malformed(f"TimeSeries.{_SEQUENCE}", "should be a whole number")
    return int(text)


def _resolution(series: Element) -> timedelta:
    """The shortest of its periods."""
    return min((_step(period) for period in _children(series, "Period")), default=_RESOLUTIONS["PT60M"])


def _rank(offered: tuple[int, timedelta, Element]) -> tuple[int, timedelta]:
    return offered[:2]


def _step(period: Element) -> timedelta:
    step = _RESOLUTIONS.get(_text(period, "resolution"))
    if step is None:
        raise Malformed("Period.resolution", f"should be one of {', '.join(_RESOLUTIONS)}")
    return step


def _parsed(document: bytes) -> Element:
    try:
        root: Element = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise Malformed("answer", "is not XML, or of a kind that is not read") from None
    return root


def _name(element: Element) -> str:
    """Without its namespace, whose version changes now and then."""
    return element.tag.rpartition("}")[2]


def _children(parent: Element, name: str) -> list[Element]:
    return [child for child in parent if _name(child) == name]


def _child(parent: Element, name: str) -> Element:
    found = _children(parent, name)
    if len(found) != 1:
        raise Malformed(f"{_name(parent)}.{name}", "should be there once")
    return found[0]


def _text(parent: Element, name: str, *, default: str | None = None) -> str:
    found = _children(parent, name)
    if not found and default is not None:
        return default
    return (_child(parent, name).text or "").strip()


def _expect(parent: Element, name: str, value: str) -> None:
    if _text(parent, name) != value:
        raise Malformed(f"{_name(parent)}.{name}", f"should be {value}")


def _moment(parent: Element, name: str) -> datetime:
    return Place(_text(parent, name), f"{_name(parent)}.{name}").moment()


def _number(parent: Element, name: str) -> float:
    field = f"{_name(parent)}.{name}"
    try:
        return finite(float(_text(parent, name)), field)
    except ValueError:
        raise Malformed(field, "should be a number") from None
