"""Which server of a Redis Cluster a command belongs to. The lines send and listen.

Every command of the bus names keys of one slot only (flexhub.bus.keys), so the first key decides.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import AskError, ClusterDownError, MovedError, TryAgainError

from flexhub.bus.address import Node
from flexhub.bus.scripts import Command

SLOTS = 16384


class NoOwner(Exception):
    """No server holds this slot, as far as we know."""


def first_key(command: Command) -> str:
    """The key that decides. Raises ValueError for a command without any."""
    name = str(command[0])
    if name == "EVALSHA":
        return str(command[3])
    if name in ("XREAD", "XREADGROUP"):
        return str(command[command.index("STREAMS") + 1])
    return str(command[1])


def slot_of(key: str) -> int:
    """CRC-16/XMODEM of what stands in the first braces, or of the whole key where there are none."""
    _, opened, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    return crc_hqx((tag if opened and closed and tag else key).encode(), 0) % SLOTS


class SlotMap:
    """Who holds which slot, as the last server told us that we asked.

    `stale` once something contradicted it: ask one of the `candidates` before the next commands. Those that did not
    answer the last time are at their end. Threads may share it: whoever overlooks a change is told by a server.
    """

    def __init__(self, seeds: Sequence[Node]) -> None:
        self._seeds = tuple(seeds)
        self._owners: list[Node | None] = [None] * SLOTS
        self._silent: set[Node] = set()
        self._newest: tuple[Node, ...] = ()
        self.stale = True

    @property
    def nodes(self) -> set[Node]:
        return {owner for owner in self._owners if owner is not None}

    def candidates(self) -> list[Node]:
        known = dict.fromkeys((*self._newest, *sorted(self.nodes), *self._seeds))
        return sorted(known, key=lambda node: node in self._silent)

    def learn(self, ranges: Iterable[Sequence[Any]], told_by: Node) -> None:
        """Take in the reply to CLUSTER SLOTS, which may leave out the host of the server that gave it."""
        owners: list[Node | None] = [None] * SLOTS
        for first, last, master, *_ in ranges:
            owner = Node(_text(master[0]) or told_by.host, int(master[1]))
            owners[int(first) : int(last) + 1] = [owner] * (int(last) - int(first) + 1)
        self._owners = owners
        self._silent.discard(told_by)
        self._newest = ()
        self.stale = False

    def moved(self, slot: int, owner: Node) -> None:
        """Others may have moved as well, and the new owner is the first to know."""
        self._owners[slot] = owner
        self._newest = (owner,)
        self.stale = True

    def silent(self, node: Node) -> None:
        """It did not answer. If a replica takes its place, the others know."""
        self._silent.add(node)
        self.stale = True

    def owner(self, command: Command) -> Node:
        """Raises NoOwner."""
        key = first_key(command)
        owner = self._owners[slot_of(key)]
        if owner is None:
            self.stale = True
            raise NoOwner(f"no server of the Cluster holds the slot of {key}")
        return owner


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to one server: commands, and the number that each has in the exchange (None for an ASKING)."""

    node: Node
    commands: list[Command]
    numbers: list[int | None]


class Hunt:
    """Some commands until each has been answered by the server that it belongs to.

    Send the `parcels`, hand the replies to `take`, and begin again until `done`. What was answered is not repeated.

    Commands about one slot keep their order: its server answers either way to all of them. The exception is a slot on
    its way, where a script over several keys may have to wait (TRYAGAIN) while a command about another key of the slot
    does not.
    """

    def __init__(self, slots: SlotMap, commands: Sequence[Command]) -> None:
        self.replies: list[Any] = [None] * len(commands)
        self._slots = slots
        self._open = dict(enumerate(commands))
        self._sent_on: dict[int, Node] = {}

    @property
    def done(self) -> bool:
        return not self._open

    def parcels(self) -> list[Parcel]:
        """Raises NoOwner."""
        parcels: dict[Node, Parcel] = {}
        for number, command in self._open.items():
            sent_on = self._sent_on.get(number)
            node = sent_on or self._slots.owner(command)
            parcel = parcels.setdefault(node, Parcel(node, [], []))
            if sent_on is not None:
                parcel.commands.append(("ASKING",))
                parcel.numbers.append(None)
            parcel.commands.append(command)
            parcel.numbers.append(number)
        return list(parcels.values())

    def take(self, parcel: Parcel, replies: Sequence[Any]) -> None:
        """MOVED: there from now on. ASK: there for this once. TRYAGAIN, CLUSTERDOWN: in a moment."""
        for number, reply in zip(parcel.numbers, replies, strict=True):
            if number is None:
                continue
            self._sent_on.pop(number, None)
            if isinstance(reply, MovedError):
                self._slots.moved(reply.slot_id, Node(reply.host or parcel.node.host, reply.port))
            elif isinstance(reply, AskError):
                self._sent_on[number] = Node(reply.host or parcel.node.host, reply.port)
            elif isinstance(reply, ClusterDownError):
                self._slots.stale = True
            elif not isinstance(reply, TryAgainError):
                self.replies[number] = reply
                del self._open[number]


def _text(value: bytes | str | None) -> str:
    text = value.decode() if isinstance(value, bytes) else value or ""
    return "" if text == "?" else text
