"""Rules for instructions and what becomes of them, beyond the one pair of cases per rule."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from s2.findings import Severity
from tests.support.s2_rule_cases.scenes import INSTRUCTED, MENU_FRBC, Utterance, cem, findings_on_last, rm, rules_broken
from tests.support.s2_sessions import CEM, NOW, RM, conversation, message, stamp

OWN = {"R-34", "R-35", "R-36", "R-37", "R-44", "R-45"}

findings = partial(findings_on_last, of=OWN)
broken = partial(rules_broken, of=OWN)


def update(status: str, **changes: Any) -> Utterance:
    return rm("InstructionStatusUpdate", status_type=status, **changes)


def test_an_update_may_skip_what_lies_between() -> None:
    assert broken(MENU_FRBC, INSTRUCTED, update("SUCCEEDED")) == set()


def test_what_follows_an_end_breaks_one_rule_or_both() -> None:
    ended = [MENU_FRBC, INSTRUCTED, update("SUCCEEDED")]

    assert broken(*ended, update("STARTED")) == {"R-37"}
    assert broken(*ended, update("ABORTED")) == {"R-36", "R-37"}


class TestRevocation:
    def test_of_an_instruction_that_has_ended_comes_too_late_and_is_no_mistake(self) -> None:
        assert broken(MENU_FRBC, INSTRUCTED, update("SUCCEEDED"), cem("RevokeObject")) == set()

    def test_of_the_description_that_was_just_replaced_is_no_mistake(self) -> None:
        first, second = (rm("FRBC.SystemDescription", message_id=f"description-{each}") for each in (1, 2))

        def revoked(object_id: str) -> set[str]:
            revocation = rm("RevokeObject", object_type="FRBC.SystemDescription", object_id=object_id)
            return broken(first, second, revocation)

        assert revoked("description-1") == revoked("description-2") == set()
        assert revoked("description-3") == {"R-45"}

    def test_of_what_is_unknown_is_only_a_warning(self) -> None:
        (found,) = findings(cem("RevokeObject"))

        assert (found.rule, found.severity) == ("R-45", Severity.WARNING)

    @pytest.mark.parametrize("object_type", ["PEBC.PowerConstraints", "FRBC.SystemDescription"])
    def test_of_what_the_other_side_published_names_the_owner(self, object_type: str) -> None:
        found = findings(cem("RevokeObject", object_type=object_type))

        assert [(each.path, each.text.split(" belongs ")[-1]) for each in found] == [
            ("$.object_type", "to the RM"),
            ("$.object_id", f"no {object_type} of this id is in force"),
        ]


def test_a_description_counts_from_the_moment_of_execution() -> None:
    announced = rm("FRBC.SystemDescription", valid_from=stamp(60))

    assert "R-44" in broken(announced, cem("FRBC.Instruction", execution_time=stamp(54)))
    assert "R-44" not in broken(announced, cem("FRBC.Instruction", execution_time=stamp(55)))


def test_ids_stay_used_after_another_selection() -> None:
    talk = conversation("FRBC")
    talk.apply(message("FRBC.SystemDescription"), RM, NOW)
    talk.apply(message("FRBC.Instruction"), CEM, NOW)
    talk.apply(message("SelectControlType"), CEM, NOW)
    talk.apply(message("FRBC.SystemDescription"), RM, NOW)

    assert "R-34" in {finding.rule for finding in talk.judge(message("FRBC.Instruction"), CEM, NOW)}
