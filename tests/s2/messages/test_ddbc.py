"""DDBC: the two odd names of the wire (R-144)."""

import json

from s2.messages import (
    Commodity,
    CommodityQuantity,
    DDBCActuatorDescription,
    DDBCOperationMode,
    DDBCSystemDescription,
    NumberRange,
    PowerRange,
    dump_message,
    parse_message,
)
from s2.versions import WireProfile
from tests.support.s2_samples import NOW, sample


def test_reads_the_odd_names() -> None:
    message = parse_message(json.dumps(sample("DDBC.SystemDescription")), WireProfile.V1_0_0)

    assert isinstance(message, DDBCSystemDescription)
    assert message.actuators[0].supported_commodities == (Commodity.GAS, Commodity.ELECTRICITY)
    assert [mode.id for mode in message.actuators[0].operation_modes] == ["mode-off", "mode-on"]


def test_writes_the_odd_names() -> None:
    mode = DDBCOperationMode(
        id="mode-on",
        power_ranges=(
            PowerRange(start_of_range=0, end_of_range=1, commodity_quantity=CommodityQuantity.HEAT_THERMAL_POWER),
        ),
        supply_range=NumberRange(start_of_range=0, end_of_range=1),
        abnormal_condition_only=False,
    )
    actuator = DDBCActuatorDescription(
        id="actuator-1", supported_commodities=(Commodity.GAS,), operation_modes=(mode,), transitions=(), timers=()
    )
    message = parse_message(json.dumps(sample("DDBC.SystemDescription", valid_from=NOW)), WireProfile.V1_0_0)
    assert isinstance(message, DDBCSystemDescription)

    written = json.loads(
        dump_message(
            DDBCSystemDescription(
                message_id="m-1",
                valid_from=message.valid_from,
                actuators=(actuator,),
                provides_average_demand_rate_forecast=False,
            ),
            WireProfile.V1_0_0,
        )
    )

    assert written["actuators"][0]["supported_commodites"] == ["GAS"]
    assert written["actuators"][0]["operation_modes"][0]["Id"] == "mode-on"
    assert "id" not in written["actuators"][0]["operation_modes"][0]
