"""Cases of the rules R-140 to R-146."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.s2_rule_cases.scenes import RuleCase, case, cem, edited, heard_by_cem, rm
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp, text

MENU_DDBC = rm("DDBC.SystemDescription")

#: The sample's boiler supplies 0 to 8, from 2 to 3 of which are in demand.
BUSY = (MENU_DDBC, rm("DDBC.ActuatorStatus"), rm("DDBC.PresentDemandStatus"))

_BOILER = sample("DDBC.SystemDescription")["actuators"][0]
_HEAT_PUMP = {"id": "actuator-2", "operation_modes": [_BOILER["operation_modes"][0] | {"Id": "mode-heat"}]}
TWO_ACTUATORS = edited(
    "DDBC.SystemDescription", "actuators", [_BOILER, _BOILER | _HEAT_PUMP | {"transitions": [], "timers": []}]
)

CASES: Mapping[str, RuleCase] = {
    "R-140": case(
        [MENU_DDBC, cem("DDBC.Instruction", actuator_id="actuator-2")],
        [MENU_DDBC, cem("DDBC.Instruction", actuator_id="actuator-1")],
    ),
    "R-141": case(
        [*BUSY, cem("DDBC.Instruction", operation_mode_factor=0.376)],
        [*BUSY, cem("DDBC.Instruction", operation_mode_factor=0.375)],
    ),
    "R-142": case(
        [
            edited("DDBC.SystemDescription", "provides_average_demand_rate_forecast", False),
            rm("DDBC.AverageDemandRateForecast"),
        ],
        [MENU_DDBC, rm("DDBC.AverageDemandRateForecast")],
    ),
    "R-143": case(
        [MENU_DDBC, rm("DDBC.SystemDescription", valid_from=stamp(1))],
        [MENU_DDBC, edited("DDBC.SystemDescription", "actuators.0.operation_modes.0.supply_range.end_of_range", 9)],
    ),
    "R-144": RuleCase(
        heard_by_cem(
            text("DDBC.SystemDescription").replace("supported_commodites", "supported_commodities"), family="DDBC"
        ),
        heard_by_cem(text("DDBC.SystemDescription"), family="DDBC"),
    ),
    "R-145": case([rm("DDBC.ActuatorStatus")], [MENU_DDBC, rm("DDBC.ActuatorStatus")]),
    "R-146": case(
        [TWO_ACTUATORS, cem("DDBC.Instruction", operation_mode_id="mode-heat")],
        [TWO_ACTUATORS, cem("DDBC.Instruction", operation_mode_id="mode-heat", actuator_id="actuator-2")],
    ),
}
