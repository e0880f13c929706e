"""Both players against sessions that judge them strictly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from flexhub.load.engine.mix import Kind
from flexhub.load.engine.players import BatteryRM, BuildingCEM, Player
from s2.events import ControlTypeSelected, Event, InstructionUpdated, MessageReceived
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCStorageStatus,
    InstructionStatus,
    Message,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
)
from s2.session import Session

NOW = datetime(2026, 4, 21, 12, 0, tzinfo=UTC)
TIMES = {"ack_timeout": timedelta(seconds=10), "handshake_timeout": timedelta(seconds=30)}
FRBC = ControlType.FILL_RATE_BASED_CONTROL


class Talk:
    """A player and the session at the other end. `findings` are what that one has against the player."""

    def __init__(self, player_type: type[Player]) -> None:
        numbers = count()
        other = EnergyManagementRole.CEM if player_type is BatteryRM else EnergyManagementRole.RM
        self.player = player_type(lambda: f"player-{next(numbers)}", **TIMES)
        self.peer = Session(other, new_id=lambda: f"peer-{next(numbers)}")
        self.now = NOW
        self.events: list[Event] = []
        self.player.handle(self.player.session.start(NOW), NOW)
        self.peer.start(NOW)
        self.exchange()

    def exchange(self) -> None:
        while (ours := self.player.session.data_to_send()) or (theirs := self.peer.data_to_send()):
            for text in ours:
                self.events += self.peer.receive_text(text, self.now)
            for text in [] if ours else theirs:
                self.player.handle(self.player.session.receive_text(text, self.now), self.now)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.player.tick(self.now)
        self.player.handle(self.player.session.tick(self.now), self.now)
        self.exchange()

    def tell(self, message: Message) -> None:
        self.peer.send(message, self.now)
        self.exchange()

    def said(self, message_type: type[Any]) -> list[Any]:
        received = [event.message for event in self.events if isinstance(event, MessageReceived)]
        return [message for message in received if isinstance(message, message_type)]

    @property
    def findings(self) -> list[str]:
        return [str(finding) for event in self.events for finding in getattr(event, "findings", ())]

    def statuses(self, instruction_id: str) -> list[InstructionStatus]:
        updates = [event.entry for event in self.events if isinstance(event, InstructionUpdated)]
        return [entry.status for entry in updates if entry.id == instruction_id and entry.status is not None]


@pytest.fixture
def talk() -> Talk:
    return Talk(BatteryRM)


def select(talk: Talk, control_type: ControlType = FRBC) -> None:
    talk.tell(SelectControlType(message_id=f"select-{control_type}", control_type=control_type))


def instruction(number: int, mode: str = "charge", factor: float = 0.5, in_s: float = 0.0) -> FRBCInstruction:
    return FRBCInstruction(
        message_id=f"m-{number}",
        id=f"i-{number}",
        actuator_id="inverter",
        operation_mode=mode,
        operation_mode_factor=factor,
        execution_time=NOW + timedelta(seconds=in_s),
        abnormal_condition=False,
    )


def test_it_measures_before_anything_is_selected(talk: Talk) -> None:
    assert talk.player.ready

    for kind in Kind:
        assert talk.player.report(kind, NOW) is not None
    talk.exchange()

    assert [type(each).__name__ for each in talk.said(object)][-3:] == ["PowerMeasurement"] * 3
    assert not talk.findings


def test_it_describes_itself_once_it_is_selected(talk: Talk) -> None:
    select(talk)

    assert talk.player.controlled
    assert talk.peer.resource.description_at(NOW) is not None
    assert not talk.findings


def test_every_kind_of_the_mix_keeps_the_rules(talk: Talk) -> None:
    select(talk)
    talk.tell(instruction(1))

    for second in range(200):
        talk.now = NOW + timedelta(seconds=second)
        for kind in Kind:
            assert talk.player.report(kind, talk.now) is not None
            talk.exchange()

    levels = [each.present_fill_level for each in talk.said(FRBCStorageStatus)]
    assert levels[-1] > levels[0]
    assert not talk.findings


def test_it_obeys_at_once(talk: Talk) -> None:
    select(talk)

    talk.tell(instruction(1))

    assert talk.statuses("i-1")[-1] is InstructionStatus.SUCCEEDED
    status = talk.said(FRBCActuatorStatus)[-1]
    assert (status.active_operation_mode_id, status.operation_mode_factor) == ("charge", 0.5)
    assert status.previous_operation_mode_id == "idle"
    assert talk.player.instructions == 1
    assert not talk.findings


def test_it_waits_for_the_time_of_an_instruction(talk: Talk) -> None:
    select(talk)
    talk.tell(instruction(1, in_s=60))
    assert talk.statuses("i-1")[-1] is InstructionStatus.ACCEPTED

    talk.pass_time(61)

    assert talk.statuses("i-1")[-1] is InstructionStatus.SUCCEEDED
    assert not talk.findings


def test_what_was_ordered_last_holds(talk: Talk) -> None:
    select(talk)
    talk.tell(instruction(1, in_s=60))

    talk.tell(instruction(2, "discharge", in_s=30))
    talk.pass_time(61)

    assert talk.statuses("i-1")[-1] is InstructionStatus.REVOKED
    assert talk.statuses("i-2")[-1] is InstructionStatus.SUCCEEDED
    assert not talk.findings


def test_it_lets_go_of_what_is_revoked(talk: Talk) -> None:
    select(talk)
    talk.tell(instruction(1, in_s=60))

    talk.tell(RevokeObject(message_id="r-1", object_type=RevokableObjects.FRBC_INSTRUCTION, object_id="i-1"))
    talk.pass_time(61)

    assert talk.statuses("i-1")[-1] is InstructionStatus.REVOKED
    assert not talk.findings


def test_another_selection_begins_anew(talk: Talk) -> None:
    select(talk)
    talk.tell(instruction(1, in_s=60))

    select(talk, ControlType.NO_SELECTION)
    talk.pass_time(61)
    assert talk.player.report(Kind.STORAGE_STATUS, talk.now) is not None
    talk.exchange()

    assert not talk.findings


def test_it_notes_why_a_session_ends(talk: Talk) -> None:
    talk.tell(SessionRequest(message_id="bye", request=SessionRequestType.RECONNECT))

    assert talk.player.told is SessionRequestType.RECONNECT
    assert talk.player.session.closed


def test_it_says_nothing_more_than_may_be_on_its_way(talk: Talk) -> None:
    said = [talk.player.report(Kind.MEASUREMENT, NOW) for _ in range(1000)]

    assert said[0] is not None
    assert said[-1] is None


def test_a_cem_selects_and_listens() -> None:
    cem, rm = BuildingCEM(lambda: f"cem-{next(numbers)}", **TIMES), BatteryRM(lambda: f"rm-{next(numbers)}", **TIMES)
    numbers = count()
    selected: list[ControlType] = []
    for player in (cem, rm):
        player.handle(player.session.start(NOW), NOW)

    for _ in range(20):
        for speaker, listener in ((cem, rm), (rm, cem)):
            for text in speaker.session.data_to_send():
                events = listener.session.receive_text(text, NOW)
                selected += [each.control_type for each in events if isinstance(each, ControlTypeSelected)]
                listener.handle(events, NOW)

    assert selected == [FRBC, FRBC]
    assert cem.ready
    assert rm.ready
    assert cem.report(Kind.MEASUREMENT, NOW) is None
