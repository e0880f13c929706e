"""A CEM and an RM with a relay between them, in memory and in simulated time: each is a Session that comes and goes."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flexhub.bus import Envelope, PublishResult, SeatAddress
from flexhub.gateway.relay import ABSENCE_S, ANSWER_TIMEOUT_S, PATIENCE_S, RelayEnd
from flexhub.gateway.relay_events import RelayEvent
from flexhub.gateway.relay_mail import Parcel
from s2.events import CloseRequested, Event
from s2.messages import EnergyManagementRole, Message
from s2.session import Session
from s2.strictness import STRICT, Strictness
from tests.support.s2_sessions import CEM, MENU, NOW, RM, details, message, new_id, selection

OTHER = {CEM: RM, RM: CEM}
# The pauses after which a peer says a message again: in time, never (it gives up and comes anew), or much too late.
MANNERS = {"repeats": (1, 2, 4), "leaves": (), "stays": (100_000,)}
END_IDS: dict[EnergyManagementRole, UUID] = {CEM: uuid4(), RM: uuid4()}


class Peer:
    """One side: its Session, its end of the relay, and what each of them experienced. Gone while `end` is None.

    `manner` is what it does about TEMPORARY_ERROR, see MANNERS. `away` is how long it takes to come back. While it is
    `deaf` its Session hears nothing, and what it is told gathers in `unheard`.
    """

    def __init__(self, role: EnergyManagementRole, *, manner: str, away: timedelta) -> None:
        self.role = role
        self.manner = manner
        self.away = away
        self.session: Session | None = None
        self.end: RelayEnd | None = None
        self.address: SeatAddress | None = None
        self.back_at: datetime | None = None
        self.openings = 0
        self.deaf = False
        self.unheard: list[str] = []
        self.heard: list[str] = []
        self.said: list[str] = []
        self.events: list[Event] = []
        self.told: list[RelayEvent] = []

    def statuses(self) -> list[str]:
        return [each["status"] for each in map(json.loads, self.heard) if each["message_type"] == "ReceptionStatus"]

    def types(self) -> list[str]:
        return [each["message_type"] for each in map(json.loads, self.heard)]


def relay_end(role: EnergyManagementRole, strictness: Strictness = STRICT) -> RelayEnd:
    return RelayEnd(
        role,
        new_id=new_id,
        ack_timeout=timedelta(seconds=10),
        handshake_timeout=timedelta(seconds=30),
        answer_timeout=timedelta(seconds=ANSWER_TIMEOUT_S),
        absence=timedelta(seconds=ABSENCE_S),
        patience=timedelta(seconds=PATIENCE_S),
        strictness=strictness,
    )


class RelayLine:
    """`reachable` is False while the bus is down; `lossy` swallows parcels as a killed process does."""

    def __init__(
        self,
        *,
        strictness: Strictness = STRICT,
        manners: tuple[str, str] = ("repeats", "repeats"),
        away_s: float = 1.0,
    ) -> None:
        self.now = NOW
        self.reachable = True
        self.lossy = False
        self._strictness = strictness
        self._tokens = itertools.count(1)
        away = timedelta(seconds=away_s)
        self.cem, self.rm = (
            Peer(role, manner=manner, away=away) for role, manner in zip((CEM, RM), manners, strict=True)
        )
        self._peers = {CEM: self.cem, RM: self.rm}
        self.parcels: list[Parcel] = []

    def open(self, peer: Peer) -> None:
        """A new socket: take the seat, look for the far end, and begin to speak."""
        other = self._peers[OTHER[peer.role]]
        peer.openings += 1
        peer.back_at = None
        peer.address = SeatAddress(END_IDS[peer.role], f"process-{peer.role.value}", next(self._tokens))
        peer.end = relay_end(peer.role, self._strictness if peer.role is RM else STRICT)
        delays = MANNERS[peer.manner]
        peer.session = Session(
            peer.role, new_id=new_id, retry_delays=[timedelta(seconds=each) for each in delays], rejects_by_update=False
        )
        peer.end.start(self.now)
        peer.end.meet(other.address)
        peer.session.start(self.now)
        self.deliver()

    def hang_up(self, peer: Peer, *, killed: bool = False) -> None:
        """The socket ends; with `killed` the end has no time to say so, and its seat stays for a while."""
        assert peer.end is not None
        if not killed:
            peer.end.leave()
            self._carry(peer)
            peer.address = None
        peer.end = peer.session = None

    def joined(self) -> RelayLine:
        """Both there, and the version agreed."""
        self.open(self.cem)
        self.open(self.rm)
        return self

    def says(self, peer: Peer, each: Message) -> None:
        assert peer.session is not None
        peer.session.send(each, self.now)
        self.deliver()

    def blurts(self, peer: Peer, text: str, *, available: bool = True) -> None:
        """Let the peer say what a Session would not."""
        assert peer.end is not None
        peer.told += peer.end.receive_text(text, self.now, available=available)
        self.deliver()

    def wait(self, seconds: float) -> None:
        """Let time pass in tenths of a second, with all that becomes due."""
        for _ in range(round(seconds * 10)):
            self.now += timedelta(seconds=0.1)
            for peer in self._peers.values():
                if peer.back_at is not None and peer.back_at <= self.now:
                    self.open(peer)
                if peer.end is not None:
                    peer.told += peer.end.tick(self.now)
                if peer.session is not None:
                    peer.events += peer.session.tick(self.now)
            self.deliver()

    def deliver(self) -> None:
        """Carry texts and parcels until all are silent; then let go whoever is to go."""
        while any([self._speak(peer) | self._carry(peer) for peer in self._peers.values()]):  # noqa: C419  # All speak.
            pass
        for peer in self._peers.values():
            over = [each for each in (*peer.events, *peer.told) if isinstance(each, CloseRequested)]
            if over and peer.end is not None:
                peer.events = [each for each in peer.events if not isinstance(each, CloseRequested)]
                peer.told = [each for each in peer.told if not isinstance(each, CloseRequested)]
                self.hang_up(peer)
                peer.back_at = self.now + peer.away
        if any(peer.end is not None and peer.end.out for peer in self._peers.values()):
            self.deliver()

    def _speak(self, peer: Peer) -> bool:
        """Between a peer and its own end."""
        if peer.end is None or peer.session is None:
            return False
        said, heard = peer.session.data_to_send(), peer.end.data_to_send()
        peer.said += said
        if peer.deaf:
            peer.unheard += heard
            heard = []
        peer.heard += heard
        for text in said:
            peer.told += peer.end.receive_text(text, self.now)
        for text in heard:
            peer.events += peer.session.receive_text(text, self.now)
        return bool(said or heard)

    def _carry(self, peer: Peer) -> bool:
        """From an end to the other one."""
        if peer.end is None or peer.address is None:
            return False
        parcels = peer.end.take_parcels()
        self.parcels += parcels
        for parcel in parcels:
            self._hand_over(peer, peer.end, peer.address, parcel)
        return bool(parcels)

    def _hand_over(self, peer: Peer, end: RelayEnd, address: SeatAddress, parcel: Parcel) -> None:
        other = self._peers[OTHER[peer.role]]
        if self.lossy:
            return
        if not self.reachable:
            envelope = Envelope(parcel.to.end_id, parcel.kind, parcel.payload, parcel.message_id, parcel.to.token)
            peer.told += end.undelivered(envelope, None, self.now)
        elif other.end is None or other.address is None or other.address.token != parcel.to.token:
            if other.address is not None and other.address.token == parcel.to.token:
                return  # Its process was killed, and nobody has noticed yet.
            if parcel.kind != "bye":
                peer.told += end.hear_bye(parcel.to, self.now)
        else:
            other.told += _open(other.end, parcel, address, self.now)


def _open(end: RelayEnd, parcel: Parcel, sender: SeatAddress, now: datetime) -> list[RelayEvent]:
    kind: dict[str, Any] = {
        "hello": lambda: end.hear_hello(sender, ready=parcel.payload == "ready", now=now),
        "bye": lambda: end.hear_bye(sender, now),
        "relayed": lambda: end.hear_message(parcel.payload, parcel.message_id, sender, now),
        "reception": lambda: end.hear_reception(parcel.payload, parcel.message_id, sender, now),
    }
    events: list[RelayEvent] = kind[parcel.kind]()
    return events


def no_seat(line: RelayLine, peer: Peer) -> None:
    """What the bus says of the next parcel to a process that is gone."""
    assert peer.end is not None
    far = line._peers[OTHER[peer.role]]
    assert far.address is not None
    gone, far.address = far.address, None
    envelope = Envelope(gone.end_id, "reception", "", token=gone.token)
    peer.told += peer.end.undelivered(envelope, PublishResult.NO_SEAT, line.now)
    line.deliver()


def controlled(**options: object) -> RelayLine:
    """Both sides have come as far as FRBC with its menu."""
    line = RelayLine(**options).joined()  # type: ignore[arg-type]  # As given.
    line.says(line.rm, details())
    line.says(line.cem, selection("FRBC"))
    for message_type in MENU["FRBC"]:
        line.says(line.rm, message(message_type))
    return line


def asked_to_reconnect(peer: Peer) -> int:
    return sum('"RECONNECT"' in each for each in peer.heard)
