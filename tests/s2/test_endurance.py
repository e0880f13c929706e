"""Memory stays bounded, however long a conversation lasts and however badly one side behaves."""

from __future__ import annotations

import gc
import sys
from datetime import timedelta
from types import FunctionType, ModuleType

import pytest

from s2.messages import EnergyManagementRole
from s2.observer import Observer
from s2.session import Session
from s2.versions import WireProfile
from tests.support.s2_line import Line
from tests.support.s2_sessions import CEM, MENU, NOW, RM, at, new_id, text

FRAMES = 40_000

#: What is held goes up and down with what is under way; what is never forgotten would soon be many times as much.
MUCH = 1.5


def bytes_held_by(*roots: object) -> int:
    """The size of everything that can be reached from these, code left out."""
    seen: dict[int, object] = {}
    pending: list[object] = [*roots]
    while pending:
        each = pending.pop()
        if id(each) in seen or isinstance(each, type | ModuleType | FunctionType):
            continue
        seen[id(each)] = each
        pending += gc.get_referents(each)
    return sum(map(sys.getsizeof, seen.values()))


def talk_for_a_while(line: Line, turn: int) -> int:
    """One turn of a busy conversation in which both sides do what they may; return how many frames it took."""
    if turn % 20 == 0:
        line.open("FRBC")
    for message_type in (*["PowerMeasurement"] * 8, "FRBC.StorageStatus", "FRBC.ActuatorStatus", "FRBC.TimerStatus"):
        line.say(RM, message_type)
    line.say(CEM, "FRBC.Instruction", id=f"i-{turn}")
    line.carry_all()
    for status in ("ACCEPTED", "STARTED", "SUCCEEDED")[: turn % 4]:
        line.say(RM, "InstructionStatusUpdate", instruction_id=f"i-{turn}", status_type=status)
    line.carry_all()
    line.wait(1)
    frames = 0
    for end in line.ends.values():
        frames += len(end.said)
        for record in (end.said, end.heard, end.events):
            record.clear()
    line.observed.clear()
    return frames


def test_a_long_conversation_takes_no_more_memory_than_a_short_one() -> None:
    line = Line(agreed=True)
    sessions = [end.session for end in line.ends.values()]
    frames = turn = early = 0

    while frames < FRAMES:
        frames += talk_for_a_while(line, turn)
        turn += 1
        if not early and frames > FRAMES / 5:
            early = bytes_held_by(line.observer, *sessions)

    assert not any(session.closed for session in sessions)
    assert bytes_held_by(line.observer, *sessions) < MUCH * early


BABBLE = (
    *MENU["FRBC"],
    "FRBC.TimerStatus",
    "InstructionStatusUpdate",
    "RevokeObject",
    "OMBC.Status",
    "ReceptionStatus",
    "FRBC.Instruction",
)


def babble(turn: int) -> list[str]:
    """Texts of which many are wrong; all have ids of their own."""
    number = f"n-{turn}"
    own = {"FRBC.Instruction": {"id": number}, "ReceptionStatus": {"subject_message_id": number}}
    return [*(text(each, **own.get(each, {})) for each in BABBLE), "no JSON", f'{{"message_id":"{number}"}}']


@pytest.mark.parametrize("role", EnergyManagementRole)
def test_a_peer_that_babbles_and_never_answers_fills_no_session(role: EnergyManagementRole) -> None:
    session = Session(role, new_id=new_id, agreed=WireProfile.V1_0_0)
    session.receive_text(text("ResourceManagerDetails"), NOW)
    session.receive_text(text("SelectControlType"), NOW)
    early = 0

    for turn in range(1_000):
        for each in babble(turn):
            session.receive_text(each, at(turn))
            session.data_to_send()
        if turn == 600:
            early = bytes_held_by(session)

    assert bytes_held_by(session) < MUCH * early


def test_sides_that_babble_and_never_answer_fill_no_observer() -> None:
    observer = Observer(WireProfile.V1_0_0)
    early = 0

    for turn in range(1_000):
        for role in EnergyManagementRole:
            for each in babble(turn):
                observer.feed(each, role, NOW + timedelta(milliseconds=turn))
        if turn == 600:
            early = bytes_held_by(observer)

    assert bytes_held_by(observer) < MUCH * early
