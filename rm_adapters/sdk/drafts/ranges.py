"""What drafts of all families are made of."""

from __future__ import annotations

from datetime import UTC, datetime

from s2.messages import CommodityQuantity, NumberRange, PowerRange

#: The message_id of what is not published yet.
DRAFT = "draft"

#: The valid_from of what holds from its publication on.
OPEN = datetime(2000, 1, 1, tzinfo=UTC)


def number_range(start: float, end: float) -> NumberRange:
    return NumberRange(start_of_range=start, end_of_range=end)


def power_range(quantity: CommodityQuantity, at_0: float, at_1: float | None = None) -> PowerRange:
    """The power at operation mode factor 0 and 1; one value where the factor has no effect.

    It may run downwards (R-19), but CEMs built on s2-python refuse a description in which one does.
    """
    return PowerRange(start_of_range=at_0, end_of_range=at_0 if at_1 is None else at_1, commodity_quantity=quantity)
