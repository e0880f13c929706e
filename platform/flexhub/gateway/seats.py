"""One peer's session in this process: the S2 session or its end of a relay, its socket, and what Redis holds of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Container
from datetime import datetime

from flexhub.bus import Batch, SeatInfo
from flexhub.bus.ports import SNAPSHOT_FIELDS_LIMIT
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, FAMILY_PREFIXES, superseded_prefixes
from flexhub.gateway.hosted_rm import HostedRM
from flexhub.gateway.limits import SMALL_TEXT_CHARACTERS, SNAPSHOT_CHARACTERS
from flexhub.gateway.refusals import Send
from flexhub.gateway.relay import RelayEnd
from flexhub.gateway.wakes import WakeMemory
from flexhub.pairing.services import NodeIdentity
from flexhub.pairing.standing import Credential
from s2.session import Session


class Seat:
    """Compact, because there are thousands: no task and no timer of its own.

    `token` fences what is written about the link; it changes when the seat has to be claimed again. `wake_at` belongs
    to Deadlines. `closed` is set once, when no more may be sent. The folded texts are a copy of the snapshot: a Redis
    that comes back empty gets them all again, since they were acknowledged and the device will not repeat them. `rm`
    is the hosted RM that the session speaks for, if it does. `unseated`: it was told that it has to begin anew.
    `unwritten` is set once what was heard last is in Redis, and nothing is sent before.
    `flush_is_due`: somebody is about to flush, and what the session says until then goes with it.
    `credential` is what opened it; None for a connection of our own making.
    """

    __slots__ = (
        "_accepted",
        "_folded",
        "_sending",
        "closed",
        "credential",
        "flush_is_due",
        "info",
        "rm",
        "send",
        "session",
        "token",
        "unseated",
        "unwritten",
        "wake_at",
        "wakes",
    )

    def __init__(
        self,
        info: SeatInfo,
        token: int,
        session: Session | RelayEnd,
        send: Send,
        *,
        measures_site: bool,
        rm: HostedRM | None = None,
        credential: Credential | None = None,
    ) -> None:
        self.info = info
        self.credential = credential
        self.token = token
        self.session = session
        self.send = send
        self.rm = rm
        self.wakes = WakeMemory(measures_site=measures_site)
        self.wake_at: datetime | None = None
        self.closed = False
        self.flush_is_due = False
        self.unseated = False
        self.unwritten: asyncio.Event | None = None
        self._accepted = False
        self._folded: dict[str, str] = {}
        self._sending = asyncio.Lock()

    @property
    def relay(self) -> RelayEnd | None:
        """The session, where it is one end of a relayed link."""
        return self.session if isinstance(self.session, RelayEnd) else None

    @property
    def begins_anew(self) -> bool:
        """Whether the session has to when its seat is lost. That of a hosted CEM goes on, since nobody else minds."""
        return self.rm is not None or self.relay is not None

    def wake(self, batch: Batch) -> None:
        """Have whomever we host at this link look at it."""
        if self.rm is not None:
            batch.wake_node(self.info.tenant_id, self.rm.node_id)
        elif self.relay is None:
            batch.wake(self.info.tenant_id, self.info.site_id)

    def next_deadline(self) -> datetime | None:
        return None if self.closed else self.session.next_deadline()

    # -- The socket ----------------------------------------------------------------------------------------------------

    async def accept(self) -> None:
        """Open the socket, unless a newer one has taken over already."""
        if not self.closed:
            await self.send({"type": "websocket.accept"})
            self._accepted = True

    async def flush(self) -> list[str]:
        """Send what the session has to say, in its order, and return it. Waits while the peer does not read."""
        async with self._sending:
            if not self._accepted:
                return []  # The far end of a relayed link may speak as soon as the seat is taken.
            if self.rm is not None and not await self.rm.may_send():
                return []
            while (unwritten := self.unwritten) is not None:
                await unwritten.wait()
                if self.unwritten is unwritten:  # The peer may have said something more meanwhile.
                    self.unwritten = None
            self.flush_is_due = False
            texts = self.session.data_to_send()
            if self.closed:
                return []
            for text in texts:
                await self.send({"type": "websocket.send", "text": text})
            return texts

    async def close(self, code: int, reason: str) -> None:
        """Close the socket; its consumer then ends by itself. Nothing is sent after it."""
        if self.closed:
            return
        self.closed = True
        if self.rm is not None:
            self.rm.settle(taken=False)  # Nobody learns any more what became of the letters.
        await self.send({"type": "websocket.close", "code": code, "reason": reason})

    # -- The snapshot --------------------------------------------------------------------------------------------------

    def has_room(self, text: str) -> bool:
        """Whether this message can be taken in, whatever field it belongs in; one that is OK has to be remembered."""
        if self.rm is not None:
            return not self.rm.mail_full
        if len(self._folded) >= SNAPSHOT_FIELDS_LIMIT:
            return False
        if len(text) <= SMALL_TEXT_CHARACTERS:
            return True
        return sum(map(len, self._folded.values())) + len(text) <= SNAPSHOT_CHARACTERS

    def fold(self, batch: Batch, field: str, text: str | None) -> None:
        """Set a field of the snapshot, or delete it with None."""
        batch.fold(self.info.link_id, self.token, field, text)
        for prefix in superseded_prefixes(field):
            self._forget(prefix)
        if text is None:
            self._folded.pop(field, None)
        else:
            self._folded[field] = text

    def reset_control_type(self, batch: Batch) -> None:
        """Drop the control type and all that belongs to any."""
        batch.reset_control_type(self.info.link_id, self.token)
        self._folded.pop(CONTROL_TYPE_FIELD, None)
        for prefix in FAMILY_PREFIXES:
            self._forget(prefix)

    def text_of(self, field: str) -> str | None:
        return self._folded.get(field)

    def holds(self, field: str, message_id: str) -> bool:
        """Whether the field's text is the message of this id."""
        text = self._folded.get(field)
        return text is not None and json.loads(text)["message_id"] == message_id

    def keep_only(self, batch: Batch, prefix: str, ids: Container[str]) -> None:
        """Delete the fields `<prefix><id>` whose object is no longer offered."""
        for field in [name for name in self._folded if name.startswith(prefix) and name[len(prefix) :] not in ids]:
            self.fold(batch, field, None)

    def fold_all(self, batch: Batch) -> None:
        """Write the whole snapshot again, under the present token."""
        # Descriptions first, as each of them drops the states of the one before it.
        for field in sorted(self._folded, key=lambda name: not superseded_prefixes(name)):
            batch.fold(self.info.link_id, self.token, field, self._folded[field])

    def _forget(self, prefix: str) -> None:
        for field in [name for name in self._folded if name.startswith(prefix)]:
            del self._folded[field]


def seat_info(identity: NodeIdentity, *, since: datetime, peer: str) -> SeatInfo:
    return SeatInfo(
        link_id=identity.end_id,
        tenant_id=identity.tenant_id,
        site_id=identity.site_id,
        node_id=identity.node_id,
        name=identity.device_name,
        since=since,
        peer=peer,
    )
