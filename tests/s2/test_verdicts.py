"""Which messages with errors are put off, and which are rejected by update."""

import pytest

from s2.findings import Finding, Severity
from s2.verdicts import is_rejected_by_update, waits_for_storage
from tests.support.s2_sessions import message


def errors(*rules: str) -> tuple[Finding, ...]:
    return tuple(Finding(rule, Severity.ERROR, "should be right") for rule in rules)


@pytest.mark.parametrize(
    ("rules", "waits"),
    [
        ((), True),
        # The description may have been put off.
        (("R-60",), True),
        # Wrong in itself.
        (("R-20",), False),
        (("R-60", "R-20"), False),
        # The state does not come from what is put off.
        (("R-12",), False),
    ],
)
def test_only_what_was_said_before_may_mend_an_error(rules: tuple[str, ...], waits: bool) -> None:
    assert waits_for_storage(message("FRBC.ActuatorStatus"), errors(*rules)) is waits


@pytest.mark.parametrize("message_type", ["Handshake", "HandshakeResponse", "SessionRequest"])
def test_what_needs_no_storage_is_not_put_off(message_type: str) -> None:
    assert not waits_for_storage(message(message_type), ())


@pytest.mark.parametrize(
    ("rules", "is_rejected"), [(("R-76",), True), (("R-76", "R-94"), True), (("R-76", "R-75"), False)]
)
def test_an_instruction_outside_of_the_offer_is_rejected(rules: tuple[str, ...], is_rejected: bool) -> None:
    assert is_rejected_by_update(message("PEBC.Instruction"), errors(*rules)) is is_rejected


def test_only_instructions_are_rejected() -> None:
    assert not is_rejected_by_update(message("PEBC.PowerConstraints"), errors("R-76"))
