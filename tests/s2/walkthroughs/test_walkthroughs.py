"""The standard's public walk-throughs of a car, a heat pump and solar panels, judged as `python -m s2.check` does it.

The three conversations are typed in anew from the examples of the standard's documentation: with their structure, ids,
numbers and slips, and labels of our own. Each slip is named below. The examples leave out the ReceptionStatuses, so the
recordings are short enough that none is due. Where the text of an example shows no Handshake of the CEM, it comes from
the sequence diagram beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from s2.check import discoveries
from s2.findings import Severity
from s2.recording import Frame, read_frame

HERE = Path(__file__).parent
ERROR, WARNING = Severity.ERROR, Severity.WARNING

#: The line of the recording, the rule and how bad it is.
Verdict = tuple[int, str, Severity]


def test_the_car() -> None:
    expected = [
        *ids_used_again(3, 4, 5, 6, 7, 8, 10, 11, 12),
        # The status is in mode "string", a placeholder; the charge point has om1 and om2.
        (8, "R-60", ERROR),
    ]

    assert verdicts("ev") == sorted(expected)


def test_the_heat_pump() -> None:
    expected: list[Verdict] = [
        # The costs, all of them zero, are in no currency.
        (6, "R-26", WARNING),
        # The description calls its actuator "actuator1". The status and the instruction call it "actuator0", and the
        # timer status "actuator".
        (9, "R-60", ERROR),
        (11, "R-56", ERROR),
        # The forecast of usage has one element, of no duration: it was over as it began.
        (12, "R-133", WARNING),
        (13, "R-122", ERROR),
        # The update is for an instruction "string"; the one that was sent is "instr0".
        (14, "R-35", ERROR),
    ]

    assert verdicts("heat_pump") == expected


def test_the_solar_panels() -> None:
    expected = [
        *ids_used_again(3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        # A producer measures 3450.6 W, which is consumption.
        (8, "R-32", WARNING),
        # The bands of the forecast run from -3500 W as upper to -3400 W as lower limit.
        (9, "R-31", WARNING),
        # The instruction has succeeded at 14:45, a quarter of an hour before its execution_time.
        (11, "R-41", WARNING),
    ]

    assert verdicts("pv") == sorted(expected)


def ids_used_again(*lines: int) -> list[Verdict]:
    """The car and the panels write "xxx" for every message_id; only the first one of each side is no repetition."""
    return [(line, "R-07", WARNING) for line in lines]


def verdicts(name: str) -> list[Verdict]:
    """What is found in the recording, each rule once a line."""
    found = discoveries(frames_of(HERE / f"{name}.jsonl"))
    return sorted({(each.line, each.observed.finding.rule, each.observed.finding.severity) for each in found})


def frames_of(recording: Path) -> Iterator[tuple[int, Frame]]:
    for number, line in enumerate(recording.read_text().splitlines(), 1):
        frame = read_frame(line)
        assert frame is not None
        yield number, frame
