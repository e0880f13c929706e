"""Cases of the rules R-27 to R-33."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import RuleCase, Utterance, case, edited, rm
from tests.support.s2_samples import L1

_L2 = "ELECTRIC.POWER.L2"
_SYMMETRIC = "ELECTRIC.POWER.3_PHASE_SYMMETRIC"


def _measured(*values: tuple[str, float]) -> Utterance:
    return rm("PowerMeasurement", values=[{"commodity_quantity": each, "value": value} for each, value in values])


def _expected(value: float) -> Utterance:
    return edited("PowerForecast", "elements.0.power_values.0.value_expected", value)


def _at_the_end_of_time(duration: int) -> Utterance:
    (sender, message_type, document) = edited("PowerForecast", "elements.0.duration", duration)
    return sender, message_type, document | {"start_time": "9999-12-31T23:59:59Z"}


_PRODUCER = rm("ResourceManagerDetails", roles=[{"role": "ENERGY_PRODUCER", "commodity": "ELECTRICITY"}])

CASES: Mapping[str, RuleCase] = {
    "R-27": case([_measured((_L2, 1))], [_measured((L1, 1))]),
    "R-28": case(
        [rm("ResourceManagerDetails", provides_forecast=False), rm("PowerForecast")],
        [rm("ResourceManagerDetails", provides_forecast=True), rm("PowerForecast")],
    ),
    "R-29": case([_measured((L1, 1), (L1, 1))], [_measured((L1, 1), (_L2, 1))]),
    "R-30": case([_measured((L1, 1), (_SYMMETRIC, 3))], [_measured((L1, 1), (_L2, 1))]),
    "R-31": case([_expected(2001)], [_expected(2000)]),
    "R-32": case([_PRODUCER, _measured((L1, 51))], [_PRODUCER, _measured((L1, 50))]),
    "R-33": case([_at_the_end_of_time(1000)], [_at_the_end_of_time(999)]),
}
