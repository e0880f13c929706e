"""What is said of frames that are no messages."""

import pytest

from s2.errors import RemoteProtocolError
from s2.findings import LABEL_LIMIT, Severity
from s2.messages import parse_message
from s2.unreadable import finding_of, finding_of_bytes
from s2.versions import WireProfile
from tests.support.s2_sessions import text


def error_of(wire_text: str) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_message(wire_text, WireProfile.V1_0_0)
    return caught.value


@pytest.mark.parametrize(
    ("wire_text", "rule", "path"),
    [
        ("no JSON", "R-03", "$"),
        ("[]", "R-03", "$"),
        (text("PowerMeasurement", message_id="!"), "R-03", "$.message_id"),
        (text("PowerMeasurement", values=[]), "R-08", "$.values"),
        (text("PowerMeasurement", colour="red"), "R-09", "$.colour"),
    ],
)
def test_names_the_rule_and_the_place(wire_text: str, rule: str, path: str) -> None:
    finding = finding_of(error_of(wire_text))

    assert (finding.rule, finding.severity, finding.path) == (rule, Severity.ERROR, path)
    assert not finding.text.startswith("$")


def test_names_the_message_where_it_is_known() -> None:
    finding = finding_of(error_of(text("PowerMeasurement", message_id="m-1", values=[])))

    assert (finding.message_id, finding.message_type) == ("m-1", "PowerMeasurement")


def test_repeats_little_of_what_it_read() -> None:
    assert len(finding_of(error_of("x" * 100_000)).text) <= LABEL_LIMIT


def test_a_binary_frame_is_no_message() -> None:
    assert finding_of_bytes().rule == "R-03"
