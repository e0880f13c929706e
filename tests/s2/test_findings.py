"""Findings."""

from s2.findings import LABEL_LIMIT, Finding, Severity, errors_of, warnings_of

ERROR = Finding("R-20", Severity.ERROR, "should lie in [0, 1]", "$.operation_mode_factor", "m-1", "FRBC.Instruction")
WARNING = Finding("R-07", Severity.WARNING, "was used before")


def test_labels_name_rule_place_and_what_would_be_right() -> None:
    assert ERROR.label == "R-20 at $.operation_mode_factor: should lie in [0, 1]"
    assert WARNING.label == "R-07: was used before"


def test_labels_stay_short() -> None:
    assert len(Finding("R-03", Severity.ERROR, "x" * 10_000).label) == LABEL_LIMIT


def test_parts_errors_from_warnings() -> None:
    assert errors_of([ERROR, WARNING]) == (ERROR,)
    assert warnings_of([ERROR, WARNING]) == (WARNING,)
