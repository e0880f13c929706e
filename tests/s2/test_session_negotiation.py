"""How a session begins: handshakes and versions."""

import json
from datetime import timedelta

from s2.events import (
    CloseRequested,
    MessageReceived,
    MessageRefused,
    Opened,
)
from s2.messages import ReceptionStatusValues
from s2.session import Session
from s2.states import SessionState
from s2.versions import WireProfile
from tests.support.s2_sessions import (
    CEM,
    NOW,
    RM,
    Pair,
    at,
    kinds,
    message,
    new_id,
    statuses,
    text,
)

Status = ReceptionStatusValues


def test_both_sides_open_whoever_speaks_first() -> None:
    pair = Pair()
    pair.cem_events += pair.cem.start(NOW)
    pair.deliver()
    pair.rm_events += pair.rm.start(NOW)
    pair.deliver()

    assert pair.cem.profile is pair.rm.profile is WireProfile.V1_0_0
    assert kinds(pair.cem_events).count("Opened") == kinds(pair.rm_events).count("Opened") == 1
    assert pair.cem.state is pair.rm.state is SessionState.UNCONTROLLED


def test_answers_the_handshake_before_it_chooses_the_version() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    session.data_to_send()

    events = session.receive_text(text("Handshake", supported_protocol_versions=["0.0.1", "v0.0.2-beta"]), NOW)

    reception, choice = map(json.loads, session.data_to_send())
    assert reception["status"] == "OK"
    assert choice["selected_protocol_version"] == "v0.0.2-beta"
    assert kinds(events) == ["MessageReceived", "Opened"]
    assert session.profile is WireProfile.V0_0_2_BETA


def test_parts_from_an_rm_with_which_it_shares_no_version() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    session.data_to_send()

    events = session.receive_text(text("Handshake", supported_protocol_versions=["9.0"]), NOW)

    reception, farewell = map(json.loads, session.data_to_send())
    assert reception["status"] == "INVALID_CONTENT"
    assert (farewell["message_type"], farewell["request"]) == ("SessionRequest", "TERMINATE")
    assert isinstance(events[-1], CloseRequested)
    assert events[-1].code == 1002
    assert session.closed


def test_an_rm_parts_from_a_cem_that_chooses_what_it_did_not_offer() -> None:
    session = Session(RM, new_id=new_id, versions=[WireProfile.V0_0_2_BETA])
    session.start(NOW)
    session.receive_text(text("Handshake", role="CEM", supported_protocol_versions=["0.0.2-beta"]), NOW)

    events = session.receive_text(text("HandshakeResponse", selected_protocol_version="1.0.0"), NOW)

    assert kinds(events) == ["MessageRefused", "CloseRequested"]


def test_waits_for_the_handshake_only_so_long() -> None:
    session = Session(CEM, new_id=new_id, handshake_timeout=timedelta(seconds=5))
    session.start(NOW)

    assert session.next_deadline() == at(5)
    assert session.tick(at(4)) == []
    (event,) = session.tick(at(5))
    assert isinstance(event, CloseRequested)
    assert event.code == 1002
    assert session.next_deadline() is None


def test_under_connect_it_is_open_from_the_start() -> None:
    session = Session(CEM, new_id=new_id, agreed=WireProfile.V1_0_0)

    assert session.start(NOW) == [Opened(WireProfile.V1_0_0)]
    assert session.data_to_send() == []
    (event,) = session.receive_text(text("ResourceManagerDetails"), NOW)
    assert isinstance(event, MessageReceived)


def test_a_handshake_under_connect_is_refused_and_never_answered_with_a_choice() -> None:
    session = Session(CEM, new_id=new_id, agreed=WireProfile.V1_0_0)
    session.start(NOW)

    (event,) = session.receive_text(text("Handshake"), NOW)

    assert isinstance(event, MessageRefused)
    assert [finding.rule for finding in event.findings] == ["R-13"]
    assert statuses(session.data_to_send()) == [Status.INVALID_CONTENT]
    assert not session.closed


def test_a_cem_that_has_taken_leave_chooses_no_version_any_more() -> None:
    session = Session(CEM, new_id=new_id)
    session.start(NOW)
    session.send(message("SessionRequest"), NOW)
    session.data_to_send()

    (event,) = session.receive_text(text("Handshake"), NOW)

    assert isinstance(event, MessageReceived)
    (answer,) = session.data_to_send()
    assert statuses([answer]) == [Status.OK]
