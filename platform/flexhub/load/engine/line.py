"""One target's way through a run: dials, plays its part, counts, and dials again when it has to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from ssl import SSLContext
from time import monotonic

from websockets.uri import parse_uri

from flexhub.load.engine.mix import Kind
from flexhub.load.engine.players import PLAYERS, Player
from flexhub.load.engine.record import Record
from flexhub.load.engine.socket import CLOSE_TIMEOUT_S, OPEN_TIMEOUT_S, Ended, Socket
from flexhub.load.engine.tally import Tally
from flexhub.load.engine.targets import Target
from s2.events import (
    AcknowledgementMissing,
    CloseRequested,
    Event,
    MessageReceived,
    MessageRefused,
    ReceptionReceived,
    ReceptionUnmatched,
)
from s2.messages import Message, ReceptionStatusValues, SessionRequestType

# S2 Connect: random(0, min(600 s, 2 s * 2^n)).
FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 600.0
GOING_AWAY, RESTARTING = 1001, 1012
# Refusals with another status below 500 stay what they are, however often one asks.
_PASSING = frozenset({408, 425, 429})
_TEMPORARY = '"TEMPORARY_ERROR"'


@dataclass(slots=True)
class Stage:
    """What all lines of a process share. Once it is `over` nobody dials again; `record` is told what was OK."""

    url: str
    ack_timeout_s: float
    tls: SSLContext | None = None
    record: Record | None = None
    tally: Tally = field(default_factory=Tally)
    started_at: float = field(default_factory=monotonic)
    over: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Line:
    """`done`: this target gave up, and will not come back. `waiting`: how many messages of the mix are on their way."""

    def __init__(self, target: Target, turns: Iterable[Kind], offset: int, stage: Stage) -> None:
        self.target = target
        self.done = False
        self._stage = stage
        self._uri = parse_uri(stage.url.rstrip("/") + target.path)
        self._turns = tuple(turns)
        self._turn = offset
        self._player: Player | None = None
        self._socket: Socket | None = None
        self._connections = 0
        self._failures = 0
        self._dialled_at = 0.0
        self._opened = self._opened_before = self._was_controlled = False
        self._sent_at: dict[str, float] = {}
        self._missing: set[str] = set()
        self._redial: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        return len(self._sent_at)

    @property
    def connected(self) -> bool:
        return self._socket is not None

    # -- What the crowd asks for ---------------------------------------------------------------------------------------

    def dial(self) -> None:
        """Begin to connect."""
        self._redial = None
        task = asyncio.get_running_loop().create_task(self._connect())
        self._stage.tasks.add(task)
        task.add_done_callback(self._stage.tasks.discard)

    def report(self) -> None:
        """Send the next message of the mix, or count that it could not be sent."""
        player, socket, tally = self._player, self._socket, self._stage.tally
        if player is None or socket is None or not self._opened or socket.full:
            tally.held_back += 1
            return
        kind = self._turns[self._turn % len(self._turns)]
        self._turn += 1
        message_id = player.report(kind, datetime.now(UTC))
        if message_id is None:
            tally.held_back += 1
            return
        tally.sent += 1
        self._sent_at[message_id] = monotonic()
        self._flush()

    def tick(self, now: datetime) -> None:
        player = self._player
        if player is None:
            return
        player.tick(now)
        due = player.session.next_deadline()
        self._take(player.session.tick(now) if due is not None and due <= now else [], now)

    def leave(self, *, in_time: bool) -> None:
        """The run is over; what is unanswered now had its time, or (Ctrl-C) had not."""
        self._settle(given_time=in_time)
        if self._redial is not None:
            self._redial.cancel()
            self._redial = None
        if self._socket is not None:
            self._socket.close(GOING_AWAY, "the load test is over")

    def abort(self) -> None:
        if self._socket is not None:
            self._socket.abort()

    # -- What the socket tells -----------------------------------------------------------------------------------------

    def socket_opened(self) -> None:
        self._connections += 1
        prefix, numbers = f"{self.target.node.hex[:8]}-{self._connections:x}", count()
        timeout = timedelta(seconds=self._stage.ack_timeout_s)
        self._player = player = PLAYERS[self.target.role](
            lambda: f"{prefix}-{next(numbers):x}", ack_timeout=timeout, handshake_timeout=3 * timeout
        )
        now = datetime.now(UTC)
        self._take(player.session.start(now), now)

    def text_received(self, text: str) -> None:
        player = self._player
        if player is None:
            return
        if _TEMPORARY in text:
            self._stage.tally.temporary += 1
        now = datetime.now(UTC)
        self._take(player.session.receive_text(text, now), now)

    def bytes_received(self, data: bytes) -> None:
        if self._player is not None:
            now = datetime.now(UTC)
            self._take(self._player.session.receive_bytes(data, now), now)

    def socket_ended(self, ended: Ended) -> None:
        if self._socket is None:
            return  # Its failure was told already, by whoever dialled.
        stage, tally, player = self._stage, self._stage.tally, self._player
        self._socket = self._player = None
        self._opened = False
        self._settle(given_time=False)
        if stage.over:
            return
        if ended.code is None:
            tally.refusals[f"HTTP {ended.status}" if ended.status else ended.reason] += 1
            if ended.status is not None and ended.status < 500 and ended.status not in _PASSING:
                self._give_up()
                return
        elif player is not None and player.told is SessionRequestType.TERMINATE:
            tally.closes["SessionRequest TERMINATE"] += 1
            self._give_up()
            return
        elif ended.code == RESTARTING or (player is not None and player.told is not None):
            tally.asked_to_reconnect += 1
        else:
            tally.closes[f"{ended.code} {ended.reason}".strip()] += 1
        self._dial_later()

    # -- Inside --------------------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        self._dialled_at = monotonic()
        self._socket = socket = Socket(self._uri, self.target.token, self)
        try:
            await socket.dial(self._stage.tls)
        except OSError as error:
            self.socket_ended(Ended(_name(error)))
        except asyncio.CancelledError:
            self._socket = None
            raise

    def _dial_later(self) -> None:
        longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(self._failures, 10))
        self._failures += 1
        delay_s = random.uniform(0, longest_s)  # noqa: S311  # Spreads reconnects, hides nothing.
        self._redial = asyncio.get_running_loop().call_later(delay_s, self.dial)

    def _give_up(self) -> None:
        self.done = True
        self._stage.tally.given_up += 1

    def _take(self, events: list[Event], now: datetime) -> None:
        player = self._player
        if player is None:
            return
        over: CloseRequested | None = None
        for event in events:
            if isinstance(event, CloseRequested):
                over = event
            else:
                self._count(event)
        heard = player.instructions
        player.handle(events, now)
        self._stage.tally.instructions += player.instructions - heard
        self._note_state(player)
        self._flush()
        if over is not None and self._socket is not None:
            self._socket.close(over.code, over.reason)

    def _note_state(self, player: Player) -> None:
        tally = self._stage.tally
        if player.controlled and not self._was_controlled:
            self._was_controlled = True
            tally.controlled += 1
        if not player.ready or self._opened:
            return
        self._opened, self._failures = True, 0
        at = monotonic()
        tally.opening.add(at - self._dialled_at)
        if self._opened_before:
            tally.reopened += 1
        else:
            self._opened_before = True
            tally.opened += 1
            tally.connecting_s = at - self._stage.started_at

    def _count(self, event: Event) -> None:
        tally = self._stage.tally
        match event:
            case ReceptionReceived(subject=subject, status=status):
                self._answered(subject, status)
            case AcknowledgementMissing(message=message):
                self._missing.add(getattr(message, "message_id", ""))
            case MessageReceived(findings=findings) | MessageRefused(findings=findings):
                tally.findings.update(each.rule for each in findings)
            case ReceptionUnmatched(findings=findings):
                tally.findings.update(each.rule for each in findings)
            case _:
                pass

    def _answered(self, subject: Message | None, status: ReceptionStatusValues) -> None:
        stage = self._stage
        sent_at = self._sent_at.pop(getattr(subject, "message_id", ""), None)
        if sent_at is None:
            return
        if status is not ReceptionStatusValues.OK:
            stage.tally.refused[status.value] += 1
            return
        stage.tally.acknowledged += 1
        stage.tally.answering.add(monotonic() - sent_at)
        if stage.record is not None and subject is not None:
            stage.record.add(self.target.node, subject)

    def _settle(self, *, given_time: bool) -> None:
        """Nothing will be answered any more."""
        tally = self._stage.tally
        late = len(self._sent_at) if given_time else sum(each in self._missing for each in self._sent_at)
        tally.unanswered += late
        tally.cut_off += len(self._sent_at) - late
        self._sent_at.clear()
        self._missing.clear()

    def _flush(self) -> None:
        if self._player is not None and self._socket is not None:
            for text in self._player.session.data_to_send():
                self._socket.send(text)


def _name(error: OSError) -> str:
    """Without addresses in it, so that a thousand of them are counted as one."""
    name = type(error).__name__
    return f"{name} {error.errno}" if name == "OSError" and error.errno is not None else name


#: The longest that a connection may take to come up or to end.
PATIENCE_S = OPEN_TIMEOUT_S + CLOSE_TIMEOUT_S
