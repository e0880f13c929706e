"""How rules are entered and applied."""

import pytest

from s2.findings import Severity
from s2.rules import RULES, is_checked
from s2.rules.registry import MOST_PER_RULE, declare
from s2.versions import WireProfile
from tests.support.s2_samples import sample
from tests.support.s2_sessions import CEM, NOW, RM, conversation, message


def test_refuses_a_second_rule_of_the_same_number() -> None:
    with pytest.raises(ValueError, match="R-20"):
        declare(RULES["R-20"])


def test_leaves_alone_what_no_rule_is_about() -> None:
    assert not is_checked(message("SessionRequest"))
    assert conversation("FRBC").judge(message("SessionRequest"), RM, NOW) == ()


def test_names_rule_message_and_place() -> None:
    talk = conversation("FRBC")
    talk.apply(message("FRBC.SystemDescription"), RM, NOW)

    (finding,) = talk.judge(message("FRBC.Instruction", message_id="m-1", operation_mode_factor=1.3), CEM, NOW)

    assert finding.as_dict() == {
        "rule": "R-20",
        "severity": "error",
        "text": "1.3 should lie in [0, 1]",
        "path": "$.operation_mode_factor",
        "message_id": "m-1",
        "message_type": "FRBC.Instruction",
        "quirk": None,
    }
    assert finding.severity is Severity.ERROR
    assert finding.label == "R-20 at $.operation_mode_factor: 1.3 should lie in [0, 1]"


def test_names_each_rule_but_not_every_place_where_it_is_broken() -> None:
    actuator = dict(sample("FRBC.SystemDescription", WireProfile.V1_0_0)["actuators"][0])
    transition = actuator["transitions"][0] | {"from": "nowhere", "blocking_timers": ["no-timer"] * 900}
    actuator["transitions"] = [transition] * 100

    findings = conversation("FRBC").judge(message("FRBC.SystemDescription", actuators=[actuator]), RM, NOW)

    assert {finding.rule for finding in findings} == {"R-06", "R-50"}
    assert len(findings) == 2 * MOST_PER_RULE
