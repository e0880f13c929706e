"""Cases of the rules R-70 to R-83."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_judging import JudgedTalk
from tests.support.s2_rule_cases.scenes import RuleCase, Scene, Utterance, case, cem, permitted, rm, span
from tests.support.s2_samples import L1
from tests.support.s2_sessions import stamp


def _in_pebc(*utterances: Utterance, after_s: float = 0) -> Scene:
    """As `judged`, for a last utterance that is of no family."""

    def play() -> set[str]:
        talk = JudgedTalk("PEBC")
        *before, last = utterances
        for each in before:
            talk.findings(each)
        return talk.says(last, after_s)

    return play


def measured(power_w: float, after_s: float) -> Utterance:
    values = [{"commodity_quantity": L1, "value": power_w}]
    return rm("PowerMeasurement", values=values, measurement_timestamp=stamp(after_s))


def _limits(*ranges: tuple[str, float, float, bool], **changes: Any) -> Utterance:
    allowed = [
        {
            "commodity_quantity": L1,
            "limit_type": limit_type,
            "range_boundary": span(start, end),
            "abnormal_condition_only": abnormal,
        }
        for limit_type, start, end, abnormal in ranges
    ]
    return rm("PEBC.PowerConstraints", allowed_limit_ranges=allowed, **changes)


def _envelopes(*envelopes: tuple[str, float, float], **changes: Any) -> Utterance:
    return cem(
        "PEBC.Instruction",
        power_envelopes=[
            {
                "id": f"envelope-{index}",
                "commodity_quantity": quantity,
                "power_envelope_elements": [{"duration": 1000, "lower_limit": lower, "upper_limit": upper}],
            }
            for index, (quantity, lower, upper) in enumerate(envelopes)
        ],
        **changes,
    )


_UPPER = ("UPPER_LIMIT", -5000.0, 0.0, False)


_LOWER = ("LOWER_LIMIT", -5000.0, 0.0, False)


MENU_PEBC = rm("PEBC.PowerConstraints")


_ENERGY = {"valid_until": stamp(1), "upper_average_power": -1, "lower_average_power": -3000}


CASES: Mapping[str, RuleCase] = {
    "R-70": case([_limits(_UPPER, _UPPER)], [_limits(_UPPER, _LOWER)]),
    "R-71": case(
        [rm("PEBC.PowerConstraints", valid_until=stamp(0))], [rm("PEBC.PowerConstraints", valid_until=stamp(1))]
    ),
    "R-72": permitted(
        [_limits(_UPPER, ("UPPER_LIMIT", 1000, 2000, False), _LOWER), _envelopes((L1, -1, 1500))],
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 0))],
    ),
    "R-73": case(
        [_limits(_UPPER, _LOWER), _envelopes((L1, 0, -1))], [_limits(_UPPER, _LOWER), _envelopes((L1, -1, -1))]
    ),
    "R-74": case(
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 0), (L1, -2, 0))],
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 0))],
    ),
    "R-75": case(
        [rm("PEBC.PowerConstraints", valid_from=stamp(60)), cem("PEBC.Instruction")],
        [rm("PEBC.PowerConstraints", valid_from=stamp(0)), cem("PEBC.Instruction")],
    ),
    "R-76": case(
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 1))], [_limits(_UPPER, _LOWER), _envelopes((L1, -5000, -5000))]
    ),
    "R-77": case(
        [_limits(_UPPER, _LOWER), _envelopes(("ELECTRIC.POWER.L2", -1, 0))],
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 0))],
    ),
    "R-78": RuleCase(
        # The sample's envelope goes down to -2500 W; the margin is 5 % of that.
        _in_pebc(MENU_PEBC, cem("PEBC.Instruction"), measured(-2626, 60), after_s=60),
        _in_pebc(MENU_PEBC, cem("PEBC.Instruction"), measured(-2625, 60), after_s=60),
    ),
    "R-79": case(
        [rm("PEBC.EnergyConstraint", lower_average_power=3001)], [rm("PEBC.EnergyConstraint", lower_average_power=3000)]
    ),
    "R-80": case(
        [MENU_PEBC, rm("PEBC.EnergyConstraint", **_ENERGY), _envelopes((L1, -2999, 0))],
        [MENU_PEBC, rm("PEBC.EnergyConstraint", **_ENERGY), _envelopes((L1, -3000, 0))],
    ),
    "R-81": case(
        [MENU_PEBC, rm("PEBC.PowerConstraints", id="constraints-2", consequence_type="DEFER")],
        [MENU_PEBC, rm("PEBC.PowerConstraints", id="constraints-2", consequence_type="VANISH")],
    ),
    "R-82": case(
        [MENU_PEBC, cem("PEBC.Instruction", execution_time=stamp(-905))],
        [MENU_PEBC, cem("PEBC.Instruction", execution_time=stamp(-904))],
    ),
    "R-83": RuleCase(
        _in_pebc(
            _limits(_UPPER, _LOWER), _envelopes((L1, -1, 1)), rm("InstructionStatusUpdate", status_type="STARTED")
        ),
        _in_pebc(
            _limits(_UPPER, _LOWER), _envelopes((L1, -1, 1)), rm("InstructionStatusUpdate", status_type="REJECTED")
        ),
    ),
}
