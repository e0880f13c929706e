"""What the simulator never says: documents of other zones, of several auctions, and bad ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cem_service.feeds.entsoe.mapping import prices
from cem_service.feeds.sdk import Empty, Malformed, Refused

DAY = datetime(2026, 4, 20, 22, 0, tzinfo=UTC)


def _series(
    *points: tuple[int, float],
    step: str = "PT60M",
    curve: str = "A03",
    sequence: int | None = None,
    contract: str | None = None,
) -> str:
    position = "classificationSequence_AttributeInstanceComponent.position"
    agreement = "contract_MarketAgreement.type"
    return (
        f"<TimeSeries>{'' if contract is None else f'<{agreement}>{contract}</{agreement}>'}"
        "<currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
        f"<curveType>{curve}</curveType>{'' if sequence is None else f'<{position}>{sequence}</{position}>'}"
        "<Period><timeInterval><start>2026-04-20T22:00Z</start><end>2026-04-21T22:00Z</end></timeInterval>"
        f"<resolution>{step}</resolution>"
        + "".join(
            f"<Point><position>{at}</position><price.amount>{price}</price.amount></Point>" for at, price in points
        )
        + "</Period></TimeSeries>"
    )


def _document(*series: str) -> bytes:
    return f'<Publication_MarketDocument xmlns="urn:any">{"".join(series)}</Publication_MarketDocument>'.encode()


def _values(document: bytes, auction: int | None = None) -> list[float | None]:
    return list(prices(document, auction).as_dict()["values"])


def test_prices_are_per_kwh_and_may_be_negative() -> None:
    series = prices(_document(_series((1, 100.0), (2, -25.5))))

    assert series.steps.edges[0] == DAY.timestamp()
    assert series.as_dict()["values"] == [0.1] + [-0.0255] * 23


def test_positions_that_are_missing_under_a01_are_missing() -> None:
    assert _values(_document(_series((1, 10.0), (4, 20.0), curve="A01"))) == [0.01, None, 0.02]


def test_no_position_before_the_first_is_made_up() -> None:
    assert prices(_document(_series((3, 10.0)))).steps.edges[0] == DAY.timestamp() + 2 * 3600


def test_of_two_auctions_the_lower_sequence_counts_where_it_has_a_price() -> None:
    document = _document(
        _series((1, 99.0), sequence=2), _series(*((at, 10.0) for at in range(1, 13)), curve="A01", sequence=1)
    )

    assert _values(document) == [0.01] * 12 + [0.099] * 12
    assert _values(document, 2) == [0.099] * 24
    with pytest.raises(Empty, match="no day-ahead prices of this auction"):
        _values(document, 3)


def test_prices_of_intraday_auctions_do_not_count() -> None:
    day_ahead, intraday = _series((1, 60.0), contract="A01"), _series((1, 15.0), step="PT15M", contract="A07")

    assert _values(_document(intraday, day_ahead)) == [0.06] * 24
    with pytest.raises(Empty, match="no day-ahead prices of this auction"):
        _values(_document(intraday))


def test_of_two_resolutions_the_finer_counts() -> None:
    assert _values(_document(_series((1, 60.0)), _series((1, 15.0), step="PT15M"))) == [0.015] * 96


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("EUR", "PLN", "TimeSeries.currency_Unit.name: should be EUR"),
        ("MWH", "KWH", "TimeSeries.price_Measure_Unit.name: should be MWH"),
        ("A03", "A05", "TimeSeries.curveType: should be A01 or A03"),
        ("PT60M", "P1D", "Period.resolution: should be one of PT15M, PT30M, PT60M"),
        ("2026-04-21T22:00Z", "2026-04-21T22:07Z", "Period.timeInterval: should be a market day"),
        ("2026-04-21T22:00Z", "2026-04-19T22:00Z", "Period.timeInterval: should be a market day"),
        ("2026-04-21T22:00Z", "2036-04-21T22:00Z", "Period.timeInterval: should be a market day"),
        ("<start>2026-04-20T22:00Z", "<start>yesterday", "timeInterval.start: should be a time"),
        ("<start>2026-04-20T22:00Z", "<start>0001-01-01T00:00+14:00", "timeInterval.start: should be a time"),
        ("<start>2026-04-20T22:00Z</start>", "", "timeInterval.start: should be there once"),
        ("<position>1<", "<position>25<", "Point.position: should be from 1 to 24"),
        ("<position>1<", "<position>first<", "Point.position: should be from 1 to 24"),
        ("<position>2<", "<position>1<", "Point.position: 1 is given twice"),
        ("<price.amount>5.0<", "<price.amount>dear<", "Point.price.amount: should be a number"),
        ("<price.amount>5.0<", "<price.amount>nan<", "Point.price.amount: should be a number"),
        ("Publication_MarketDocument", "Something", "answer: should be a Publication_MarketDocument"),
    ],
)
def test_a_malformed_document_is_refused_by_the_name_of_its_field(old: str, new: str, field: str) -> None:
    document = _document(_series((1, 5.0), (2, 6.0))).decode()
    assert old in document

    with pytest.raises(Malformed) as caught:
        prices(document.replace(old, new).encode())

    assert str(caught.value).startswith(field)


@pytest.mark.parametrize(
    "document",
    [b"", b"<a>", b"\xff\xfe", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"{}"],
    ids=["nothing", "cut off", "not text", "entities", "JSON"],
)
def test_what_is_no_harmless_xml_is_not_read(document: bytes) -> None:
    with pytest.raises(Malformed, match="answer: is not XML"):
        prices(document)


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("<code>999</code><text>No matching data found for Data item</text>", Empty),
        ("<code>999</code>", Empty),
        ("<code>999</code><text>Invalid query attributes</text>", Refused),
        ("<code>401</code><text>Unauthorized</text>", Refused),
    ],
)
def test_an_acknowledgement_says_that_there_is_nothing_or_that_the_question_is_wrong(
    reason: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        prices(f"<Acknowledgement_MarketDocument><Reason>{reason}</Reason></Acknowledgement_MarketDocument>".encode())
