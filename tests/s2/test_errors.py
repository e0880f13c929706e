"""The exception tree."""

import pytest

from s2.errors import (
    InvalidData,
    InvalidMessage,
    LocalProtocolError,
    ProfileError,
    RemoteProtocolError,
    RuleBroken,
    S2Error,
    WrongState,
)
from s2.findings import Finding, Severity


@pytest.mark.parametrize("error", [RemoteProtocolError, LocalProtocolError])
def test_every_error_is_theirs_or_ours(error: type[S2Error]) -> None:
    assert issubclass(error, S2Error)


@pytest.mark.parametrize("error", [ProfileError, WrongState, RuleBroken])
def test_what_we_must_not_send_is_a_local_error(error: type[S2Error]) -> None:
    assert issubclass(error, LocalProtocolError)


def test_invalid_data_names_no_message() -> None:
    error = InvalidData("not JSON", message_type="PowerMeasurement")

    assert isinstance(error, RemoteProtocolError)
    assert (error.message_id, error.message_type, error.label, str(error)) == (
        None,
        "PowerMeasurement",
        "not JSON",
        "not JSON",
    )


def test_invalid_message_names_the_message() -> None:
    error = InvalidMessage("m-1", "PowerMeasurement", "$.values: required")

    assert isinstance(error, RemoteProtocolError)
    assert (error.message_id, error.message_type, error.label) == ("m-1", "PowerMeasurement", "$.values: required")


def test_rule_broken_tells_each_finding() -> None:
    findings = [Finding("R-20", Severity.ERROR, "factor in [0, 1]"), Finding("R-34", Severity.ERROR, "id used before")]

    error = RuleBroken(iter(findings))

    assert error.findings == tuple(findings)
    assert "R-20" in str(error)
    assert "R-34" in str(error)
