"""Two ends of a relay: how both sides come together, and begin anew when one of them is gone."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

import pytest

from flexhub.bus import SeatAddress
from s2.errors import WrongState
from s2.messages import EnergyManagementRole
from tests.support.relay_line import (
    END_IDS,
    MANNERS,
    RelayLine,
    asked_to_reconnect,
    controlled,
    no_seat,
    relay_end,
)
from tests.support.s2_sessions import CEM, NOW, RM, message, stamp, statuses, text


def converse(line: RelayLine) -> bool:
    return all(peer.session is not None and peer.session.profile is not None for peer in (line.cem, line.rm))


MANNER_PAIRS = list(itertools.product(MANNERS, MANNERS))


@pytest.mark.parametrize("first", [CEM, RM])
@pytest.mark.parametrize("manners", MANNER_PAIRS)
@pytest.mark.parametrize("away_s", [0.2, 2.5])
@pytest.mark.parametrize("later_s", [0, 0.5, 4, 12])
def test_whoever_comes_first_both_meet(
    first: EnergyManagementRole, manners: tuple[str, str], later_s: float, away_s: float
) -> None:
    line = RelayLine(manners=manners, away_s=away_s)
    one, other = (line.cem, line.rm) if first is CEM else (line.rm, line.cem)
    line.open(one)
    line.wait(later_s)
    before = one.openings

    line.open(other)
    line.wait(20)

    assert converse(line)
    openings = (one.openings, other.openings)
    assert sum(openings) - before <= 4
    line.wait(30)
    assert (one.openings, other.openings) == openings


@pytest.mark.parametrize("leaver", [CEM, RM])
@pytest.mark.parametrize("manners", MANNER_PAIRS)
@pytest.mark.parametrize("away_s", [0.2, 2.5])
@pytest.mark.parametrize("absent_s", [0, 0.5, 20])
def test_after_one_side_was_gone_both_start_over_once(
    leaver: EnergyManagementRole, manners: tuple[str, str], absent_s: float, away_s: float
) -> None:
    line = RelayLine(manners=manners, away_s=away_s).joined()
    assert converse(line)
    gone, stays = (line.cem, line.rm) if leaver is CEM else (line.rm, line.cem)

    line.hang_up(gone)
    line.deliver()
    assert asked_to_reconnect(stays) == 1
    line.wait(absent_s)
    line.open(gone)
    line.wait(20)

    assert converse(line)
    openings = (gone.openings, stays.openings)
    line.wait(30)
    assert (gone.openings, stays.openings) == openings


def test_a_killed_process_is_noticed_and_both_meet_again() -> None:
    line = controlled()
    line.hang_up(line.cem, killed=True)
    line.says(line.rm, message("FRBC.StorageStatus"))
    assert line.rm.session is not None

    no_seat(line, line.rm)

    assert line.rm.statuses()[-1] in ("TEMPORARY_ERROR", "OK")
    assert asked_to_reconnect(line.rm) == 1
    line.open(line.cem)
    line.wait(20)
    assert converse(line)


def test_a_newer_session_of_the_far_end_makes_both_start_over() -> None:
    line = controlled()
    line.hang_up(line.cem, killed=True)

    line.open(line.cem)
    line.wait(5)

    assert asked_to_reconnect(line.rm) == 1
    assert converse(line)


def test_an_end_that_was_given_up_is_found_again() -> None:
    """The far end is seated and does not get ready in time; when it does, it is the same session that is met."""
    end, far, late = relay_end(RM), SeatAddress(END_IDS[CEM], "one", 7), NOW + timedelta(seconds=8)
    end.start(NOW)
    end.meet(far)
    end.hear_hello(far, ready=False, now=NOW)
    greeting = text("Handshake", role="RM", supported_protocol_versions=["1.0.0"])
    end.receive_text(greeting, NOW)
    end.tick(late)
    assert statuses(end.data_to_send()) == ["TEMPORARY_ERROR"]

    end.receive_text(greeting, late)
    end.hear_hello(far, ready=True, now=late)

    told = [(each.kind, each.payload) for each in end.take_parcels()]
    assert told == [("hello", "ready"), ("hello", ""), ("hello", "ready"), ("hello", "ready"), ("relayed", greeting)]


def test_only_the_session_that_was_met_is_heard() -> None:
    line = controlled()
    assert line.rm.end is not None
    stale = line.cem.address
    assert stale is not None
    line.hang_up(line.cem, killed=True)
    line.open(line.cem)
    line.wait(5)
    heard = list(line.rm.heard)
    instruction = text("FRBC.Instruction")

    assert line.rm.end.hear_message(instruction, json.loads(instruction)["message_id"], stale, line.now) == []
    assert line.rm.end.hear_hello(stale, ready=True, now=line.now) == []
    assert line.rm.end.hear_bye(stale, line.now) == []
    line.deliver()
    assert line.rm.heard == heard


def test_a_session_request_crosses_and_ends_both_sessions() -> None:
    line = controlled()

    line.says(line.cem, message("SessionRequest", request="RECONNECT"))

    assert asked_to_reconnect(line.rm) == 1
    assert line.rm.end is None
    assert line.cem.end is None
    line.wait(10)
    assert converse(line)


def test_a_permanent_error_ends_both_sessions() -> None:
    line = controlled()
    assert line.rm.end is not None
    assert line.cem.address is not None
    instruction = text("FRBC.Instruction", execution_time=stamp(0))
    message_id = json.loads(instruction)["message_id"]
    line.rm.end.hear_message(instruction, message_id, line.cem.address, line.now)
    line.rm.end.data_to_send()

    line.blurts(line.rm, text("ReceptionStatus", subject_message_id=message_id, status="PERMANENT_ERROR"))

    assert line.rm.end is None


def test_a_lost_seat_makes_the_peer_come_anew() -> None:
    line = controlled()
    assert line.rm.end is not None

    line.rm.told += line.rm.end.unseat(line.now)
    line.deliver()
    line.wait(10)

    assert asked_to_reconnect(line.rm) == 1
    assert converse(line)


def test_takes_leave_like_a_session_and_speaks_nothing_else() -> None:
    line = controlled()
    assert line.rm.end is not None
    with pytest.raises(WrongState):
        line.rm.end.send(message("PowerMeasurement"), line.now)

    line.rm.end.send(message("SessionRequest", request="RECONNECT"), line.now)

    with pytest.raises(WrongState):
        line.rm.end.send(message("SessionRequest", request="RECONNECT"), line.now)
    line.deliver()
    assert line.rm.end is None
