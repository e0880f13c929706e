"""The message classes: which there are, and that each survives the wire in both directions."""

import json
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2.messages import (
    MESSAGE_CLASSES,
    FRBCStorageStatus,
    Instruction,
    Message,
    NumberRange,
    PowerMeasurement,
    dump_message,
    message_type_of,
    parse_message,
)
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_samples import NOW, sample, samples
from tests.support.s2_strategies import classes_of, messages_of

_OF_EACH_PROFILE = [
    pytest.param(message_class, profile, id=f"{message_type_of(message_class)}-{profile}")
    for profile in ALL_PROFILES
    for message_class in classes_of(profile)
]


def test_there_are_36_messages_and_7_of_them_are_instructions() -> None:
    assert len(MESSAGE_CLASSES) == len(get_args(Message)) == 36
    assert {message_type_of(each) for each in get_args(Instruction)} == {
        "PEBC.Instruction",
        "PPBC.ScheduleInstruction",
        "PPBC.StartInterruptionInstruction",
        "PPBC.EndInterruptionInstruction",
        "OMBC.Instruction",
        "FRBC.Instruction",
        "DDBC.Instruction",
    }


def test_a_class_is_named_as_its_message_without_the_dot() -> None:
    assert all(name.replace(".", "") == each.__name__ for name, each in MESSAGE_CLASSES.items())


def test_there_is_a_sample_of_each_message() -> None:
    assert set(samples(WireProfile.V1_0_0)) == set(MESSAGE_CLASSES)
    assert len(samples(WireProfile.V0_0_2_BETA)) == 35


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_samples_come_back_as_they_went_in(profile: WireProfile) -> None:
    for message_type, document in samples(profile).items():
        message = parse_message(json.dumps(document), profile)

        assert isinstance(message, MESSAGE_CLASSES[message_type])
        assert json.loads(dump_message(message, profile)) == document


@pytest.mark.parametrize(("message_class", "profile"), _OF_EACH_PROFILE)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_messages_survive_the_wire(message_class: type[Message], profile: WireProfile, data: st.DataObject) -> None:
    message = data.draw(messages_of(message_class, profile))

    text = dump_message(message, profile)

    assert parse_message(text, profile) == message
    assert parse_message(text.encode(), profile) == message
    # Equal datetimes may differ in offset; the text tells them apart.
    assert dump_message(parse_message(text, profile), profile) == text


def test_messages_are_immutable_and_comparable() -> None:
    status = FRBCStorageStatus(message_id="m-1", present_fill_level=1)

    with pytest.raises(FrozenInstanceError):
        status.present_fill_level = 2  # type: ignore[misc]  # This is what the test is about.

    assert replace(status, present_fill_level=1.0) == status
    assert len({status, replace(status, present_fill_level=1.0)}) == 1
    assert pickle.loads(pickle.dumps(status)) == status  # noqa: S301 - our own bytes.


def test_components_are_built_by_python_names_and_lists_become_tuples() -> None:
    built = PowerMeasurement(
        message_id="message-1",
        measurement_timestamp=datetime(2026, 1, 15, 12, tzinfo=UTC),
        values=[{"commodity_quantity": "ELECTRIC.POWER.L1", "value": 1234.5}],  # type: ignore[arg-type]  # Works, unlike what the type says.
    )

    assert built == parse_message(json.dumps(sample("PowerMeasurement", measurement_timestamp=NOW)), ALL_PROFILES[0])
    assert isinstance(built.values, tuple)


def test_messages_keep_no_dictionary_of_their_own() -> None:
    assert not hasattr(NumberRange(start_of_range=0, end_of_range=1), "__dict__")
