"""The command that judges a recorded conversation."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from s2 import check
from s2.messages import EnergyManagementRole
from s2.recording import Frame, write_frame
from tests.support.s2_sessions import ALL_CONTROL_TYPES, CEM, RM, at, stamp, text

PLATFORM = Path(check.__file__).parents[1]

Said = tuple[EnergyManagementRole, str]


def recorded(*said: Said) -> str:
    """The frames, one a second."""
    return "".join(write_frame(Frame(at(second), *each)) + "\n" for second, each in enumerate(said))


def answer(subject_id: str) -> str:
    return text("ReceptionStatus", subject_message_id=subject_id)


DETAILS: tuple[Said, ...] = (
    (RM, text("ResourceManagerDetails", message_id="m-1", available_control_types=ALL_CONTROL_TYPES)),
    (CEM, answer("m-1")),
)
GOOD: tuple[Said, ...] = (*DETAILS, (RM, text("PowerMeasurement", message_id="m-2")), (CEM, answer("m-2")))
REPEATED_ID: Said = (RM, text("PowerMeasurement", message_id="m-1"))
MISPLACED: Said = (RM, text("FRBC.StorageStatus", message_id="m-3"))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return tmp_path / "talk.jsonl"


def test_a_good_conversation_ends_with_0(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.write_text(recorded(*GOOD))

    assert check.main([str(recording)]) == 0
    assert capsys.readouterr().out == "2 from the CEM, 2 from the RM: 0 errors, 0 warnings\n"


def test_warnings_end_with_0(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.write_text(recorded(*GOOD, REPEATED_ID))

    assert check.main([str(recording)]) == 0
    assert capsys.readouterr().out == (
        "2026-01-15T12:00:04+00:00 RM: R-07 warning in PowerMeasurement m-1\n"
        "    $.message_id: was used before for another message\n"
        "2 from the CEM, 3 from the RM: 0 errors, 1 warning\n"
    )


def test_errors_end_with_1(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.write_text(recorded(*GOOD, REPEATED_ID, MISPLACED))

    assert check.main([str(recording), "--no-warnings"]) == 1
    assert capsys.readouterr().out == (
        "2026-01-15T12:00:05+00:00 RM: R-12 error in FRBC.StorageStatus m-3\n"
        "    $.message_type: FRBC.StorageStatus is for state FRBC, the session is in state uncontrolled\n"
        "2 from the CEM, 4 from the RM: 1 error, 1 warning\n"
    )


def test_findings_as_json_name_their_line(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.write_text("\n" + recorded(*GOOD, MISPLACED))

    assert check.main([str(recording), "--json"]) == 1
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert found == {
        "at": "2026-01-15T12:00:04+00:00",
        "line": 6,
        "by": "RM",
        "rule": "R-12",
        "severity": "error",
        "text": "FRBC.StorageStatus is for state FRBC, the session is in state uncontrolled",
        "path": "$.message_type",
        "message_id": "m-3",
        "message_type": "FRBC.StorageStatus",
        "quirk": None,
    }


def test_tells_of_a_missing_answer_when_it_was_due(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    late = write_frame(Frame(at(60), RM, text("PowerMeasurement", measurement_timestamp=stamp(60))))
    recording.write_text(recorded(*DETAILS, (RM, text("PowerMeasurement", message_id="m-2"))) + late)

    check.main([str(recording)])

    assert capsys.readouterr().out.startswith("2026-01-15T12:00:12+00:00 CEM: R-01 warning in PowerMeasurement m-2\n")


def test_frames_stamped_by_two_clocks_count_in_their_order(recording: Path) -> None:
    lines = recorded(*GOOD).splitlines(keepends=True)
    early = write_frame(Frame(at(-5), RM, text("PowerMeasurement", measurement_timestamp=stamp(-5))))
    recording.write_text("".join(lines) + early)

    assert check.main([str(recording)]) == 0


def test_begins_with_handshakes_unless_the_details_come_first(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording.write_text(recorded((RM, text("PowerMeasurement"))))

    assert check.main([str(recording)]) == 1
    assert "negotiating" in capsys.readouterr().out


@pytest.mark.parametrize(("version", "status"), [("1.0.0", 0), ("v1.0.0", 0), ("0.0.2-beta", 1)])
def test_takes_the_version_that_s2_connect_agreed(recording: Path, version: str, status: int) -> None:
    selected: Said = (CEM, text("SelectControlType", message_id="m-2", control_type=ALL_CONTROL_TYPES[4]))
    told: Said = (RM, text("DDBC.PresentDemandStatus"))
    recording.write_text(recorded(*DETAILS, selected, (RM, answer("m-2")), told))

    assert check.main([str(recording), "--version", version]) == status


def test_can_be_lenient(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.write_text(recorded(*GOOD, (RM, text("PowerMeasurement", colour="red"))))

    assert check.main([str(recording)]) == 1
    assert check.main([str(recording), "--lenient"]) == 0
    assert "R-09 warning" in capsys.readouterr().out


def test_can_allow_a_quirk(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    selected: Said = (CEM, text("SelectControlType", message_id="m-2", control_type=ALL_CONTROL_TYPES[0]))
    reversed_range = {
        "commodity_quantity": "ELECTRIC.POWER.L1",
        "range_boundary": {"start_of_range": 0, "end_of_range": -5000},
        "abnormal_condition_only": False,
    }
    ranges = [{"limit_type": limit_type, **reversed_range} for limit_type in ("UPPER_LIMIT", "LOWER_LIMIT")]
    told: Said = (RM, text("PEBC.PowerConstraints", allowed_limit_ranges=ranges))
    recording.write_text(recorded(*DETAILS, selected, (RM, answer("m-2")), told))

    assert check.main([str(recording), "--quirk", "reversed-limit-range"]) == 0
    assert "[reversed-limit-range]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no frames in it"),
        ("\n\n", "no frames in it"),
        (recorded(*GOOD) + "oops\n", "line 5: not JSON"),
        ('{"at": "2026-01-15T12:00:00Z", "from": "EMS", "text": ""}', 'line 1: "from" should be "RM" or "CEM"'),
    ],
)
def test_what_is_no_recording_ends_with_2(
    recording: Path, capsys: pytest.CaptureFixture[str], content: str, complaint: str
) -> None:
    recording.write_text(content)

    assert check.main([str(recording)]) == 2
    assert f"s2.check: {complaint}" in capsys.readouterr().err


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(tmp_path / "nothing.jsonl")]) == 2
    assert "nothing.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["-", "--version", "7.0"], ["-", "--quirk", "charm"], ["-", "--colour"]], ids=" ".join
)
def test_arguments_that_mean_nothing_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        check.main(arguments)

    assert caught.value.code == 2
    assert "usage: python -m s2.check" in capsys.readouterr().err


def test_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(recorded(*GOOD).encode())))

    assert check.main(["-"]) == 0
    assert "0 errors" in capsys.readouterr().out


def run(arguments: str, recording: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a shell of its own, as a person does."""
    environment = {**os.environ, "PYTHONPATH": str(PLATFORM)}
    return subprocess.run(
        ["sh", "-c", f"{sys.executable} -m s2.check {arguments}"],  # noqa: S607  # The shell of the machine.
        input=recording,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_is_a_command() -> None:
    result = run("-", recorded(*GOOD, MISPLACED))

    assert result.returncode == 1
    assert result.stdout.endswith("2 from the CEM, 3 from the RM: 1 error, 0 warnings\n")
    assert result.stderr == ""


def test_stops_quietly_when_nobody_reads_on() -> None:
    result = run("- | true", recorded(*GOOD, *[MISPLACED] * 5_000))

    assert result.stderr == ""
