"""What a seat has besides where its session has the role RM: the hosted RM that it speaks for, and its mail."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from flexhub.bus import SeatInfo
from flexhub.pairing.services import NodeIdentity
from s2.recent import RecentKeys

# A task that was interrupted publishes its whole outbox again, which is shorter than this.
_SENT = 512


class HostedRM:
    """One session's view of it.

    `measured_as` heads the telemetry rows of what is sent; None where another seat records it. `sent` has the ids of
    the messages that the session has sent for it. `mail_full`: its mailbox takes no more letters. `refused`: letters of
    this session were not taken.

    What the session hears is in the mail before it is acknowledged. From `hold` to `settle` the seat therefore sends
    nothing, and after letters that were not taken it sends nothing ever again.
    """

    __slots__ = ("_settled", "mail_full", "measured_as", "node_id", "refused", "sent")

    def __init__(self, node_id: UUID, measured_as: SeatInfo | None) -> None:
        self.node_id = node_id
        self.measured_as = measured_as
        self.sent = RecentKeys(_SENT)
        self.mail_full = False
        self._settled: asyncio.Event | None = None
        self.refused = False

    def hold(self) -> None:
        """Letters are on their way."""
        self._settled = asyncio.Event()

    def settle(self, *, taken: bool) -> None:
        """What became of them. Only the first word on it counts."""
        if self._settled is not None:
            self.refused = not taken
            self._settled.set()
            self._settled = None

    async def may_send(self) -> bool:
        """Wait until no letters are on their way; False when some were not taken."""
        while self._settled is not None:
            await self._settled.wait()
        return not self.refused


def hosted_rm_of(identity: NodeIdentity, info: SeatInfo) -> HostedRM | None:
    """The hosted RM that speaks with this peer; None where the peer is no energy manager, or the RM is remote."""
    if identity.role != "CEM" or not identity.peer_hosted:
        return None
    if identity.hosted:
        # The session at the other end of the house link takes in the measurements, and records them as any other.
        return HostedRM(identity.peer_node_id, None)
    site_id = identity.peer_site_id or identity.site_id
    return HostedRM(
        identity.peer_node_id,
        replace(info, link_id=identity.link_id, site_id=site_id, node_id=identity.peer_node_id),
    )
