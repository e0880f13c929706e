"""The walks through messages that rules share."""

from __future__ import annotations

import pytest

from s2.messages import (
    DDBCSystemDescription,
    FRBCSystemDescription,
    OMBCSystemDescription,
    PowerForecast,
    PowerMeasurement,
    PPBCPowerProfileDefinition,
)
from s2.rules.places import crowded_places_of, expectations_of, operating_points_of, sequences_of
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import message

SEQUENCE = "$.power_sequences_containers[0].power_sequences[0].elements"


@pytest.mark.parametrize(
    ("family", "paths"),
    [
        ("OMBC", ["$.operation_modes[0]", "$.operation_modes[1]"]),
        ("DDBC", ["$.actuators[0].operation_modes[0]", "$.actuators[0].operation_modes[1]"]),
        ("FRBC", ["$.actuators[0].operation_modes[0].elements[0]", "$.actuators[0].operation_modes[1].elements[0]"]),
    ],
)
def test_a_device_works_at_its_modes_or_at_their_elements(family: str, paths: list[str]) -> None:
    description = message(f"{family}.SystemDescription")
    assert isinstance(description, OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription)

    assert [path for path, _ in operating_points_of(description)] == paths


def test_a_profile_is_its_sequences_and_their_expectations() -> None:
    profile = message("PPBC.PowerProfileDefinition")
    assert isinstance(profile, PPBCPowerProfileDefinition)

    assert [(path, len(elements)) for path, elements in sequences_of(profile)] == [(SEQUENCE, 1)]
    assert [path for path, _ in expectations_of(profile)] == [f"{SEQUENCE}[0].power_values"]


def test_only_a_list_of_several_is_crowded() -> None:
    (value,) = sample("PowerForecast")["elements"][0]["power_values"]
    elements = [{"duration": 1, "power_values": values} for values in ([value], [value, value])]
    two = [{"commodity_quantity": L1, "value": 0}] * 2

    assert crowded("PowerForecast", elements=elements) == ["$.elements[1].power_values"]
    assert crowded("PowerMeasurement", values=two) == ["$.values"]
    assert crowded("PowerMeasurement", values=two[:1]) == []
    assert crowded("FRBC.SystemDescription") == []


def crowded(message_type: str, **changes: object) -> list[str]:
    told = message(message_type, **changes)
    assert isinstance(told, PowerMeasurement | PowerForecast | FRBCSystemDescription)
    return [path for path, _ in crowded_places_of(told)]
