"""Who of the demo's devices is there: those with a socket of their own, and those whose RMs the hub runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flexhub.bus.directory import SeatRecord
from flexhub.demo.seed import Seeded


@dataclass(frozen=True, slots=True)
class Presence:
    """`attended`: hosted RMs that have described their device to the hosted CEM and got an answer."""

    connected: int = 0
    attended: int = 0

    def is_complete(self, seeded: Seeded) -> bool:
        return (self.connected, self.attended) == (_with_sockets(seeded), len(seeded.hosted))

    def in_words(self, seeded: Seeded) -> str:
        return (
            f"{self.connected} of {_with_sockets(seeded)} devices connected,"
            f" {self.attended} of {len(seeded.hosted)} hosted devices attended to"
        )


def presence(seeded: Seeded, sessions: Iterable[SeatRecord]) -> Presence:
    """A link that has both ends in the hub has two sessions; the one with the RM as its peer has the link's own id."""
    nodes = {key.node_id for keys in seeded.credentials for key in keys}
    links = {each.link_id for each in seeded.hosted}
    there = list(sessions)
    return Presence(
        connected=sum(each.info.node_id in nodes for each in there),
        attended=sum(each.info.link_id in links and each.control_type is not None for each in there),
    )


def _with_sockets(seeded: Seeded) -> int:
    return sum(map(len, seeded.credentials))
