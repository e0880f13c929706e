"""Shared enumerations and components."""

import json

import pytest

from s2.errors import InvalidMessage
from s2.messages import CommodityQuantity, ControlType, Currency, OMBCSystemDescription, RevokableObjects, parse_message
from s2.versions import WireProfile
from tests.support.s2_samples import sample


def test_enumerations_hold_the_spelling_of_the_wire() -> None:
    assert ControlType.NOT_CONTROLABLE.value == "NOT_CONTROLABLE"
    assert CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC.value == "ELECTRIC.POWER.3_PHASE_SYMMETRIC"
    assert RevokableObjects.FRBC_SYSTEM_DESCRIPTION.value == "FRBC.SystemDescription"


def test_enumerations_are_as_long_as_the_standard_has_them() -> None:
    assert [len(each) for each in (ControlType, CommodityQuantity, RevokableObjects, Currency)] == [7, 10, 13, 100]


@pytest.mark.parametrize("value", ["NOT_CONTROLLABLE", "not_controlable", "", 0, None, ["NO_SELECTION"]])
def test_enumerations_accept_no_other_value(value: object) -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.control_type: should be "):
        parse_message(json.dumps(sample("SelectControlType", control_type=value)), WireProfile.V1_0_0)


def test_the_origin_of_a_transition_is_from_on_the_wire() -> None:
    message = parse_message(json.dumps(sample("OMBC.SystemDescription")), WireProfile.V1_0_0)

    assert isinstance(message, OMBCSystemDescription)
    assert (message.transitions[0].from_, message.transitions[0].to) == ("mode-off", "mode-on")
