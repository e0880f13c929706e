"""The lines of a recorded conversation."""

from datetime import timedelta

import pytest

from s2.messages import parse_message
from s2.recording import Frame, NotAFrame, read_frame, write_frame
from s2.versions import WireProfile
from tests.support.s2_sessions import CEM, NOW, RM, text

AT = "2026-01-15T12:00:00Z"


@pytest.mark.parametrize("wire_text", [text("Handshake"), "no JSON", "", 'a "quoted"\nline', "é"])
def test_what_is_written_is_read(wire_text: str) -> None:
    frame = Frame(NOW + timedelta(microseconds=1), CEM, wire_text)

    line = write_frame(frame)

    assert "\n" not in line
    assert read_frame(line) == read_frame(line.encode()) == frame


def test_takes_a_message_as_an_object() -> None:
    frame = read_frame(
        f'{{"at": "{AT}", "from": "RM", "message": '
        '{"message_type": "FRBC.StorageStatus", "message_id": "m-1", "present_fill_level": 42.5}}'
    )

    assert frame is not None
    assert (frame.at, frame.sender) == (NOW, RM)
    assert parse_message(frame.text, WireProfile.V1_0_0).message_type == "FRBC.StorageStatus"


@pytest.mark.parametrize("line", ["", "  \t\r\n", b"\n"])
def test_passes_over_blank_lines(line: str | bytes) -> None:
    assert read_frame(line) is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("oops", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "should be an object"),
        ("{}", '"at" should be'),
        ('{"at": "yesterday"}', '"at" should be an RFC 3339 date-time with an offset, got "yesterday"'),
        ('{"at": "2026-01-15T12:00:00"}', '"at" should be'),
        ('{"at": "9999-12-31T23:59:59Z"}', '"at" should be'),
        (f'{{"at": "{AT}"}}', '"from" should be "RM" or "CEM", got null'),
        (f'{{"at": "{AT}", "from": ["RM"]}}', '"from" should be'),
        (f'{{"at": "{AT}", "from": "RM"}}', 'should have the frame as a string "text"'),
        (f'{{"at": "{AT}", "from": "RM", "text": 7}}', 'should have the frame as a string "text"'),
        (f'{{"at": "{AT}", "from": "RM", "text": "", "message": {{}}}}', 'either "text" or "message"'),
    ],
)
def test_says_what_is_wrong_with_a_line(line: str | bytes, complaint: str) -> None:
    with pytest.raises(NotAFrame) as caught:
        read_frame(line)

    assert complaint in str(caught.value)
