"""Labels name the place and what would be right, and repeat little of the input."""

import json
from typing import Any

import pytest

from s2.errors import InvalidMessage
from s2.messages import parse_message
from s2.messages.labels import quoted
from s2.versions import WireProfile
from tests.support.s2_samples import sample


def label_of(document: dict[str, Any]) -> str:
    with pytest.raises(InvalidMessage) as caught:
        parse_message(json.dumps(document), WireProfile.V1_0_0)
    return caught.value.label


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (5, "5"),
        ("a", '"a"'),
        ("a\nb", '"a\\nb"'),
        ({"a": 1}, "an object"),
        ([1], "an array"),
        ("x" * 1000, '"' + "x" * 39 + "…"),
        (10**400, "1" + "0" * 39 + "…"),
    ],
)
def test_quotes_values_as_json_and_cuts_them(value: object, text: str) -> None:
    assert quoted(value) == text


def test_names_the_place_in_depth() -> None:
    document = sample("FRBC.SystemDescription")
    document["actuators"][0]["operation_modes"][1]["elements"][0]["fill_rate"]["end_of_range"] = "fast"

    assert label_of(document) == (
        '$.actuators[0].operation_modes[1].elements[0].fill_rate.end_of_range: should be a number, got "fast"'
    )


def test_lists_a_short_enumeration_and_not_a_long_one() -> None:
    assert label_of(sample("Handshake", role="EMS")) == "$.role: should be 'CEM' or 'RM', got \"EMS\""
    assert label_of(sample("ResourceManagerDetails", currency="JPY")) == (
        '$.currency: should be one of the standard\'s values, got "JPY"'
    )


def test_says_what_an_id_is() -> None:
    assert label_of(sample("RevokeObject", object_id="a b")) == (
        '$.object_id: should be 2 to 64 of a-z A-Z 0-9 - _ :, got "a b"'
    )


def test_shortens_and_escapes_foreign_keys() -> None:
    assert label_of(sample("Handshake") | {"k" * 1000: 1}) == '$["' + "k" * 39 + "…]: unknown key"
    assert label_of(sample("Handshake") | {"a\nb": 1}) == '$["a\\nb"]: unknown key'


def test_only_counts_very_many_faults() -> None:
    assert label_of(sample("Handshake") | {f"k{number}": 1 for number in range(1001)}) == "$: 1001 faults"
