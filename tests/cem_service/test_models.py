from __future__ import annotations

from math import inf, nan

import pytest
from django.core.exceptions import ValidationError

from cem_service.models import validate_day_of_prices


def test_a_day_has_a_price_for_each_hour() -> None:
    validate_day_of_prices([0.25, -0.1, *[0] * 22])

    for too_short_or_no_list in ([0.25] * 23, "0.25", None):
        with pytest.raises(ValidationError, match="24 prices"):
            validate_day_of_prices(too_short_or_no_list)


@pytest.mark.parametrize("price", [nan, inf, -inf, 1001, True, "0.25", None])
def test_a_price_is_a_finite_number(price: object) -> None:
    with pytest.raises(ValidationError, match="each price"):
        validate_day_of_prices([price, *[0.25] * 23])
