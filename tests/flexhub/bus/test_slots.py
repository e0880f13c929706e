"""Which server a command belongs to, and what becomes of it when that server says otherwise."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, ResponseError, TryAgainError

from flexhub.bus import keys, scripts
from flexhub.bus.address import Node
from flexhub.bus.slots import SLOTS, Hunt, NoOwner, SlotMap, first_key, slot_of

# The same in every process, since it is in the names of tests.
LINK = UUID("0b5f9c1e-7c3d-4f3a-9d52-6f6a1c3e8a10")
ONE, TWO, THREE = Node("one", 1), Node("two", 2), Node("three", 3)
A = ("GET", "a")  # Slot 15495.
B = ("GET", "b")  # Slot 3300.


def a_map() -> SlotMap:
    slots = SlotMap([ONE])
    slots.learn([[0, 8191, [b"one", 1, b"id"], [b"replica", 9, b"id"]], [8192, SLOTS - 1, [b"two", 2, b"id"]]], ONE)
    return slots


@pytest.mark.parametrize(
    "key",
    ["a", "fh:{directory}:processes", "{a}{b}", "a{b", "a{}{b}", "{}a", "ü{ü}", "a}b{c}", *keys.link_keys(LINK)],
)
def test_slots_are_those_of_redis(key: str) -> None:
    assert slot_of(key) == key_slot(key.encode())


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("SET", "a", 1), "a"),
        (scripts.CLAIM.call(["{a}1", "{a}2"], "x"), "{a}1"),
        (("XREAD", "COUNT", 5, "BLOCK", 10, "STREAMS", "a", "0"), "a"),
        (("XREADGROUP", "GROUP", "g", "c", "COUNT", 5, "STREAMS", "a", ">"), "a"),
        (("XGROUP CREATE", "a", "g", "0", "MKSTREAM"), "a"),
    ],
)
def test_the_first_key_decides(command: scripts.Command, key: str) -> None:
    assert first_key(command) == key


def test_commands_are_grouped_by_server_in_their_order() -> None:
    hunt = Hunt(a_map(), [A, B, ("DEL", "a")])

    parcels = {parcel.node: parcel for parcel in hunt.parcels()}

    assert (parcels[TWO].commands, parcels[TWO].numbers) == ([A, ("DEL", "a")], [0, 2])
    assert (parcels[ONE].commands, parcels[ONE].numbers) == ([B], [1])


def test_replies_come_back_in_the_order_of_the_commands() -> None:
    hunt = Hunt(a_map(), [A, B, ("DEL", "a")])
    answers: dict[Node, list[Any]] = {TWO: ["a", ResponseError("no")], ONE: ["b"]}

    for parcel in hunt.parcels():
        hunt.take(parcel, answers[parcel.node])

    assert hunt.done
    assert hunt.replies[:2] == ["a", "b"]
    assert isinstance(hunt.replies[2], ResponseError)


def test_a_command_whose_slot_has_moved_is_repeated_alone() -> None:
    slots = a_map()
    hunt = Hunt(slots, [A, B])
    answers: dict[Node, list[Any]] = {TWO: [MovedError("15495 three:3")], ONE: ["b"]}
    for parcel in hunt.parcels():
        hunt.take(parcel, answers[parcel.node])

    (again,) = hunt.parcels()

    assert (again.node, again.commands, hunt.done) == (THREE, [A], False)
    # The new owner knows best where everything is now.
    assert slots.stale
    assert slots.candidates()[0] == THREE


def test_a_slot_on_its_way_is_asked_for_at_its_new_place_this_once() -> None:
    slots = a_map()
    hunt = Hunt(slots, [A, ("DEL", "a")])
    (parcel,) = hunt.parcels()
    hunt.take(parcel, [AskError("15495 :3"), AskError("15495 :3")])

    (again,) = hunt.parcels()

    # Without a host it is the one of the server that answered.
    assert again.node == Node("two", 3)
    assert again.commands == [("ASKING",), A, ("ASKING",), ("DEL", "a")]
    assert not slots.stale
    hunt.take(again, ["OK", "a", "OK", TryAgainError("later")])
    (last,) = hunt.parcels()
    assert (last.node, last.commands) == (TWO, [("DEL", "a")])
    assert hunt.replies == ["a", None]


def test_a_cluster_that_is_down_is_asked_again() -> None:
    slots = a_map()
    hunt = Hunt(slots, [A])
    (parcel,) = hunt.parcels()

    hunt.take(parcel, [ClusterDownError("The cluster is down")])

    assert slots.stale
    assert not hunt.done


def test_who_did_not_answer_is_asked_last() -> None:
    slots = a_map()
    slots.silent(ONE)
    assert slots.stale
    assert slots.candidates() == [TWO, ONE]

    slots.learn([[0, SLOTS - 1, ["", 1, "id"]]], ONE)

    assert not slots.stale
    assert slots.candidates() == [ONE]


def test_a_slot_that_nobody_holds_is_an_error() -> None:
    slots = SlotMap([ONE])
    slots.learn([[0, 100, ["one", 1, "id"]]], ONE)

    with pytest.raises(NoOwner, match="slot of a"):
        Hunt(slots, [A]).parcels()
    assert slots.stale
