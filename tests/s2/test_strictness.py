"""What a session takes from a peer to which more is allowed, and what it makes of that."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.errors import InvalidData, InvalidMessage, RuleBroken
from s2.events import MessageReceived, MessageRefused, ReceptionReceived, ReceptionUnmatched
from s2.findings import Finding, Severity, errors_of, warnings_of
from s2.messages import DDBCSystemDescription, PowerMeasurement, ReceptionStatusValues, parse_message
from s2.rules import RULES
from s2.rules.registry import MOST_PER_RULE
from s2.session import Session
from s2.strictness import QUIRK_TEXTS, REREADING_LIMIT, STRICT, Quirk, Strictness, quirks_named, read_leniently
from s2.versions import WireProfile
from tests.support.s2_samples import L1, sample, samples
from tests.support.s2_sessions import CEM, NOW, RM, answers, details, message, new_id, only, selection, statuses, text

Status = ReceptionStatusValues
LENIENT = Strictness(lenient=True)


def cem(strictness: Strictness, family: str | None = None) -> Session:
    """A CEM's session under Connect that has come as far as this control type."""
    session = Session(CEM, new_id=new_id, agreed=WireProfile.V1_0_0, strictness=strictness)
    session.start(NOW)
    session.receive_text(text("ResourceManagerDetails", available_control_types=["FILL_RATE_BASED_CONTROL"]), NOW)
    if family is not None:
        session.send(selection(family), NOW)
    session.data_to_send()
    return session


def measured(**changes: Any) -> str:
    return text("PowerMeasurement", **changes)


STRAYS = measured(
    colour="red", values=[{"commodity_quantity": L1, "value": 1, "phase": 1}, {"commodity_quantity": L1, "value": 2}]
)


# Unknown keys.


def test_a_strict_session_refuses_unknown_keys() -> None:
    session = cem(STRICT)

    (event,) = session.receive_text(STRAYS, NOW)

    assert isinstance(event, MessageRefused)
    assert event.findings[0].rule == "R-09"
    assert statuses(session.data_to_send()) == [Status.INVALID_MESSAGE]


def test_a_lenient_session_skips_unknown_keys_wherever_they_are_and_tells() -> None:
    session = cem(LENIENT)

    (event,) = session.receive_text(
        measured(colour="red", values=[{"commodity_quantity": L1, "value": 1, "x": {}}]), NOW
    )

    assert isinstance(event, MessageReceived)
    assert isinstance(event.message, PowerMeasurement)
    assert event.message.values[0].value == 1
    assert event.rewritten
    assert {(each.rule, each.severity, each.path) for each in event.findings} == {
        ("R-09", Severity.WARNING, "$.colour"),
        ("R-09", Severity.WARNING, "$.values[0].x"),
    }
    assert {each.message_id for each in event.findings} == {event.message.message_id}
    assert statuses(session.data_to_send()) == [Status.OK]


def test_what_is_as_it_should_be_is_not_rewritten() -> None:
    (event,) = cem(LENIENT).receive_text(measured(), NOW)

    assert isinstance(event, MessageReceived)
    assert not event.rewritten


def test_a_repetition_with_unknown_keys_is_one_all_the_same() -> None:
    session = cem(LENIENT)
    session.receive_text(STRAYS, NOW)

    assert session.receive_text(STRAYS, NOW) == []
    first, again = session.data_to_send()
    assert first == again


def test_other_faults_still_count_and_are_the_ones_that_are_told() -> None:
    session = cem(LENIENT)

    (event,) = session.receive_text(measured(colour="red", values=[{"commodity_quantity": L1, "value": "1"}]), NOW)

    assert isinstance(event, MessageRefused)
    assert (event.status, event.findings[0].path) == (Status.INVALID_MESSAGE, "$.values[0].value")
    (answer,) = answers(session.data_to_send())
    assert "$.values[0].value" in answer["diagnostic_label"]


def test_what_the_rules_say_still_counts() -> None:
    session = cem(LENIENT, "FRBC")

    (event,) = session.receive_text(text("FRBC.ActuatorStatus", operation_mode_factor=1.3, colour="red"), NOW)

    assert isinstance(event, MessageRefused)
    assert event.status is Status.INVALID_CONTENT
    assert [each.rule for each in errors_of(event.findings)] == ["R-20"]
    assert "R-09" in {each.rule for each in warnings_of(event.findings)}
    assert answers(session.data_to_send())[0]["diagnostic_label"].startswith("R-20")


def test_an_answer_with_unknown_keys_is_an_answer() -> None:
    session = cem(LENIENT)
    session.send(message("SelectControlType", message_id="s-1", control_type="FILL_RATE_BASED_CONTROL"), NOW)

    events = session.receive_text(text("ReceptionStatus", subject_message_id="s-1", colour="red"), NOW)

    verdict = only(ReceptionReceived, events)
    assert isinstance(verdict, ReceptionReceived)
    assert [(each.rule, each.path) for each in verdict.findings] == [("R-09", "$.colour")]


def test_an_answer_to_nothing_with_unknown_keys_has_both_faults() -> None:
    (event,) = cem(LENIENT).receive_text(text("ReceptionStatus", subject_message_id="s-1", colour="red"), NOW)

    assert isinstance(event, ReceptionUnmatched)
    assert [each.rule for each in event.findings] == ["R-02", "R-09"]


@pytest.mark.parametrize("wire_text", ["", "[]", "{}", '{"message_type":"X","message_id":"m-1","x":1}'])
def test_what_is_no_message_stays_refused(wire_text: str) -> None:
    (event,) = cem(LENIENT).receive_text(wire_text, NOW)

    assert isinstance(event, MessageRefused)


def test_a_wild_message_yields_few_findings() -> None:
    read, findings = read_leniently(json.dumps(sample("PowerMeasurement") | {f"key-{i}": i for i in range(5000)}), _ONE)

    assert isinstance(read, PowerMeasurement)
    assert len(findings) == MOST_PER_RULE


def test_a_number_that_is_none_is_not_json_even_in_an_unknown_key() -> None:
    with pytest.raises(InvalidData):
        read_leniently(json.dumps(sample("PowerMeasurement", colour=float("nan"))), _ONE)


def test_names_of_the_standard_that_look_odd_are_told_as_such() -> None:
    document = sample("DDBC.SystemDescription")
    document["actuators"][0]["supported_commodities"] = []

    read, (finding,) = read_leniently(json.dumps(document), _ONE)

    assert isinstance(read, DDBCSystemDescription)
    assert (finding.rule, finding.path) == ("R-144", "$.actuators[0].supported_commodities")


def test_the_version_still_counts() -> None:
    with pytest.raises(InvalidMessage, match="present_demand_rate"):
        read_leniently(json.dumps(sample("DDBC.SystemDescription", WireProfile.V0_0_2_BETA, colour="red")), _ONE)


_ONE = WireProfile.V1_0_0


def objects_in(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(inner)


@given(st.sampled_from(sorted(samples())), st.data())
def test_what_is_left_without_unknown_keys_is_the_message(message_type: str, data: st.DataObject) -> None:
    document = sample(message_type)
    expected = parse_message(json.dumps(document), _ONE)
    places = list(objects_in(document))
    chosen = data.draw(st.sets(st.sampled_from(range(len(places))), min_size=1, max_size=5))
    for place in chosen:
        places[place]["stray"] = data.draw(st.sampled_from([None, 1, "x", [], {}, [{"id": 1}], {"stray": {}}]))

    read, findings = read_leniently(json.dumps(document), _ONE)

    assert read == expected
    assert len(findings) == len(chosen)
    assert all(each.path.endswith(".stray") for each in findings)


# Rules that soften.


def test_a_text_of_the_largest_size_is_read_once_only() -> None:
    """The second reading costs more than the first, and a peer could ask for it with each frame."""
    session = Session(CEM, new_id=new_id, agreed=_ONE, strictness=LENIENT)
    (event,) = session.receive_text(text("PowerMeasurement", colour="x" * REREADING_LIMIT), NOW)

    assert isinstance(event, MessageRefused)
    assert [finding.rule for finding in event.findings] == ["R-09"]
    assert LENIENT.rereads("x" * REREADING_LIMIT)
    assert not STRICT.rereads("x")


def test_a_lenient_session_takes_a_breach_of_a_rule_that_softens_as_a_warning() -> None:
    finding = Finding("R-13", Severity.ERROR, "text")

    assert STRICT.softened((finding,)) == (finding,)
    (softened,) = LENIENT.softened((finding,))
    assert (softened.rule, softened.severity, softened.text) == ("R-13", Severity.WARNING, "text")


def test_other_rules_do_not_soften() -> None:
    hard = tuple(Finding(number, Severity.ERROR, "") for number in ("R-11", "R-12", "R-17"))
    assert not any(RULES[each.rule].softens for each in hard)

    assert LENIENT.softened(hard) == hard


@pytest.mark.parametrize(("strictness", "status"), [(STRICT, Status.INVALID_CONTENT), (LENIENT, Status.OK)])
@pytest.mark.parametrize("message_type", ["Handshake", "HandshakeResponse"])
def test_a_handshake_under_connect_has_no_effect(strictness: Strictness, status: Status, message_type: str) -> None:
    session = cem(strictness, "FRBC")

    (event,) = session.receive_text(
        text(message_type, role="RM") if message_type == "Handshake" else text(message_type), NOW
    )

    assert isinstance(event, MessageReceived | MessageRefused)
    assert [each.rule for each in event.findings] == ["R-13"]
    assert statuses(session.data_to_send()) == [status]
    assert session.state.value == "FRBC"


def test_our_own_sending_stays_strict() -> None:
    session = Session(RM, new_id=new_id, agreed=_ONE, strictness=Strictness(lenient=True, quirks=frozenset(Quirk)))
    session.send(details(), NOW)
    session.receive_text(text("SelectControlType", control_type="POWER_ENVELOPE_BASED_CONTROL"), NOW)
    ranges = sample("PEBC.PowerConstraints")["allowed_limit_ranges"]
    ranges[0]["range_boundary"] = {"start_of_range": 0, "end_of_range": -5000}

    with pytest.raises(RuleBroken):
        session.send(message("PEBC.PowerConstraints", allowed_limit_ranges=ranges), NOW)


# Names.


def test_every_quirk_says_what_it_does() -> None:
    assert set(QUIRK_TEXTS) == set(Quirk)
    assert all(each.endswith(".") for each in QUIRK_TEXTS.values())


def test_operators_find_every_quirk_in_their_book() -> None:
    book = (Path(__file__).parents[2] / "docs/operations.md").read_text()

    assert all(f"| `{quirk}` |" in book for quirk in Quirk)


def test_quirks_are_found_by_name_and_unknown_names_have_no_effect() -> None:
    assert quirks_named(["undeclared-leakage", "from-a-later-version"]) == {Quirk.UNDECLARED_LEAKAGE}
    assert quirks_named([]) == frozenset()
    assert quirks_named(quirk.value for quirk in Quirk) == frozenset(Quirk)
