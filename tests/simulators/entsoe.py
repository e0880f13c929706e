"""The web API of the ENTSO-E Transparency Platform: day-ahead prices of market days of Amsterdam."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.simulators.feed_server import Call, FeedServer, Reply

TOKEN = "5a1e6b1c-0000-4000-8000-00000000cafe"
ZONE = "10YNL----------L"
_MARKET = ZoneInfo("Europe/Amsterdam")
_NAMESPACE = "urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"
_TIME = "%Y%m%d%H%M"


def price_eur_per_mwh(moment: datetime) -> float:
    """The price that holds then: one for each hour, the same in the two hours after midnight UTC."""
    return 10.0 * max(moment.astimezone(UTC).hour, 1) + moment.day


class EntsoeServer(FeedServer):
    """`curve` and `step_min` say how the document is written; `known_until` ends what the auctions have fixed."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.curve = "A03"
        self.step_min = 60
        self.known_until = datetime.max.replace(tzinfo=UTC)

    def right(self, call: Call) -> Reply:
        query = call.query
        if query.get("securityToken") != TOKEN:
            return Reply(b"<html>Unauthorized. Missing or invalid security token</html>", 401)
        if query.get("documentType") != "A44" or query.get("in_Domain") != ZONE or query["out_Domain"] != ZONE:
            return _refusal("Invalid query attributes or parameters.", 400)
        start, end = (
            datetime.strptime(query[name], _TIME).replace(tzinfo=UTC) for name in ("periodStart", "periodEnd")
        )
        series = "".join(self._series(*day) for day in _market_days(start, end) if day[1] <= self.known_until)
        if not series:
            return self.empty(call)
        document = (
            f'<Publication_MarketDocument xmlns="{_NAMESPACE}"><type>A44</type>{series}</Publication_MarketDocument>'
        )
        return Reply(document.encode())

    def empty(self, call: Call) -> Reply:
        return _refusal("No matching data found for Data item ENERGY_PRICES [12.1.D] (10YNL----------L).", 200)

    def _series(self, start: datetime, end: datetime) -> str:
        return (
            "<TimeSeries><mRID>1</mRID><businessType>A62</businessType>"
            f"<in_Domain.mRID>{ZONE}</in_Domain.mRID><out_Domain.mRID>{ZONE}</out_Domain.mRID>"
            "<currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
            f"<curveType>{self.curve}</curveType><Period><timeInterval><start>{start:%Y-%m-%dT%H:%MZ}</start>"
            f"<end>{end:%Y-%m-%dT%H:%MZ}</end></timeInterval><resolution>PT{self.step_min}M</resolution>"
            f"{''.join(self._points(start, end))}</Period></TimeSeries>"
        )

    def _points(self, start: datetime, end: datetime) -> Iterator[str]:
        step = timedelta(minutes=self.step_min)
        last = None
        for index in range((end - start) // step):
            moment = start + index * step
            price = price_eur_per_mwh(moment)
            if moment.replace(minute=0) in self.holes or (self.curve == "A03" and price == last):
                continue
            last = price
            yield f"<Point><position>{index + 1}</position><price.amount>{price:.2f}</price.amount></Point>"


def _market_days(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """In UTC; the first begins before `start`, the last ends after `end`."""
    day = start.astimezone(_MARKET).replace(hour=0, minute=0)
    while day.astimezone(UTC) < end:
        following = (day + timedelta(days=1, hours=12)).replace(hour=0)
        yield day.astimezone(UTC), following.astimezone(UTC)
        day = following


def _refusal(text: str, status: int) -> Reply:
    namespace = "urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0"
    reason = f"<Reason><code>999</code><text>{text}</text></Reason>"
    return Reply(
        f'<Acknowledgement_MarketDocument xmlns="{namespace}">{reason}</Acknowledgement_MarketDocument>'.encode(),
        status,
    )
