"""Mail of hosted RMs, over Redis and over its twin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from flexhub.bus import Batch, GatewayBus, Letter, Mailbag, MailRefused, Wake, keys
from flexhub.bus.ports import MAIL_BYTES, MAIL_LENGTH
from flexhub.bus.scripts import Command
from flexhub.bus.snapshot import PROFILE_FIELD
from s2.versions import WireProfile
from tests.flexhub.bus.conftest import Hub, RedisHub
from tests.support.links import ALDER, AT, a_seat

SEAT = a_seat()
END = SEAT.link_id


def letters(token: int, *payloads: str) -> Batch:
    batch = Batch()
    for payload in payloads:
        batch.post(END, token, "instruction", AT, payload)
    return batch


async def write(gateway: GatewayBus, batch: Batch) -> tuple[bool, bool]:
    """Whether the letters are in the mailbox, and whether it takes no more."""
    result = await gateway.write(batch)
    return END in result.posted, END in result.mail_full


def payloads(hub: Hub, after: str = "", count: int = 100) -> list[str]:
    return [letter.payload for letter in hub.worker.mail(END, after, count).letters]


async def test_a_letter_arrives_as_it_was_posted(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    batch = Batch()
    batch.fold(END, token, PROFILE_FIELD, "1.0.0")
    batch.post(END, token, "opened", AT, "1.0.0")
    batch.post(END, token, "instruction", AT + timedelta(seconds=1), '{"text":"späť"}')

    assert await write(gateway, batch) == (True, False)

    bag = hub.worker.mail(END)
    first, second = bag.letters
    assert (bag.token, bag.profile) == (token, WireProfile.V1_0_0)
    assert first == Letter(first.id, token, "opened", AT, "1.0.0")
    assert second == Letter(second.id, token, "instruction", AT + timedelta(seconds=1), '{"text":"späť"}')


async def test_there_is_no_session_before_a_seat_and_no_version_before_it_is_open(hub: Hub) -> None:
    gateway = await hub.gateway("one")

    assert hub.worker.mail(END) == Mailbag(None, None, ())
    token = await gateway.claim_seat(SEAT)

    assert hub.worker.mail(END) == Mailbag(token, None, ())


async def test_letters_outlive_their_session_until_they_are_dropped(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    await write(gateway, letters(token, "a", "b", "c"))
    await gateway.release_seat(END, token)

    bag = hub.worker.mail(END)
    assert (bag.token, [letter.payload for letter in bag.letters]) == (None, ["a", "b", "c"])
    assert payloads(hub, count=2) == ["a", "b"]
    assert payloads(hub, after=bag.letters[0].id) == ["b", "c"]

    hub.worker.drop_mail(END, bag.letters[1].id)
    hub.worker.drop_mail(END, bag.letters[1].id)

    assert payloads(hub) == ["c"]
    newer = await gateway.claim_seat(SEAT)
    await write(gateway, letters(newer, "d"))
    assert payloads(hub, after=bag.letters[2].id) == ["d"]


async def test_what_was_said_at_an_end_is_forgotten_for_good(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    batch = letters(token, "a")
    batch.log(END, token, "received", AT, "{}")
    batch.fold(END, token, "ResourceManagerDetails", "{}")
    await write(gateway, batch)
    await gateway.release_seat(END, token)

    hub.worker.forget([END, uuid4()])
    hub.worker.forget([])

    assert (payloads(hub), hub.worker.conversation(END), hub.worker.snapshots([END])) == ([], [], {END: None})


async def test_ids_grow_over_an_empty_restart(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    await write(gateway, letters(await gateway.claim_seat(SEAT), "before"))
    (before,) = hub.worker.mail(END).letters

    hub.restart_empty()
    assert not await gateway.renew()
    await write(gateway, letters(await gateway.claim_seat(SEAT), "after"))

    assert payloads(hub, after=before.id) == ["after"]


async def test_a_session_that_lost_its_seat_posts_nothing(hub: Hub) -> None:
    old, new = await hub.gateway("old"), await hub.gateway("new")
    fenced = await old.claim_seat(SEAT)
    token = await new.claim_seat(SEAT)

    result = await old.write(letters(fenced, "from the older one"))
    assert (result.fenced, result.posted) == ({END}, set())

    await new.release_seat(END, token)
    result = await new.write(letters(token, "from nobody"))
    assert (result.lost, result.posted) == ({END}, set())
    assert payloads(hub) == []


async def test_a_batch_that_is_written_twice_posts_its_letters_once(hub: Hub) -> None:
    """As it happens when a connection breaks after Redis took the batch and before it said so."""
    gateway = await hub.gateway("one")
    batch = letters(await gateway.claim_seat(SEAT), "a", "b")

    assert await write(gateway, batch) == (True, False)
    assert await write(gateway, batch) == (True, False)
    (first, second) = hub.worker.mail(END).letters
    hub.worker.drop_mail(END, second.id)
    assert await write(gateway, batch) == (True, False)

    assert (first.payload, second.payload) == ("a", "b")
    assert payloads(hub) == []


async def test_a_full_mailbox_refuses_and_keeps_what_it_has(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    asking = Batch()
    asking.ask_for_room(END, token)
    numbers = list(map(str, range(MAIL_LENGTH)))

    assert await write(gateway, letters(token, *numbers[:-1])) == (True, False)
    last = letters(token, numbers[-1])
    assert await write(gateway, last) == (True, True)
    # Once more, as after a broken connection: it lies there, and counts no second time.
    assert await write(gateway, last) == (True, True)
    assert await write(gateway, letters(token, "too much")) == (False, True)
    assert await write(gateway, asking) == (False, True)
    assert payloads(hub, count=2 * MAIL_LENGTH) == numbers

    hub.worker.drop_mail(END, hub.worker.mail(END).letters[0].id)
    assert await write(gateway, asking) == (True, False)
    assert await write(gateway, letters(token, "now")) == (True, True)
    assert payloads(hub, count=2 * MAIL_LENGTH) == [*numbers[1:], "now"]


async def test_large_letters_fill_a_mailbox_too(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    quarter = "é" * (MAIL_BYTES // 8)

    outcomes = [await write(gateway, letters(token, f"{quarter}{number}")) for number in range(5)]

    assert outcomes == [(True, False)] * 3 + [(True, True), (False, True)]
    hub.worker.drop_mail(END, hub.worker.mail(END).letters[0].id)
    assert await write(gateway, letters(token, "small")) == (True, False)


async def test_a_node_is_woken_once_until_its_task_begins(hub: Hub) -> None:
    gateway, node_id = await hub.gateway("one"), uuid4()
    batch = Batch()
    batch.wake_node(ALDER, node_id)
    batch.wake_node(ALDER, node_id)
    batch.wake(ALDER, SEAT.site_id)

    woken = (await gateway.write(batch)).woken
    assert woken == [Wake(ALDER, SEAT.site_id), Wake(ALDER, None, node_id)]
    assert (await gateway.write(batch)).woken == []
    assert not hub.worker.request_wake(node_id)
    hub.worker.end_wake(node_id)
    assert (await gateway.write(batch)).woken == [Wake(ALDER, None, node_id)]


async def test_a_letter_that_cannot_be_read_is_set_aside_and_holds_up_no_other(redis_url: str) -> None:
    hub = RedisHub(redis_url)
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    hub.client.xadd(
        keys.mail_keys(END).mail, {"token": token, "kind": "from-later", "at": "x", "payload": "p", "upto": 1}
    )
    await write(gateway, letters(token, "readable"))

    assert payloads(hub) == ["readable"]
    assert payloads(hub) == ["readable"]
    report = hub.worker.poison()
    await hub.close()

    assert (report.ever, report.entries[0].source) == (1, "mail")


async def test_no_letter_is_newer_than_the_session_that_is_shown(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = RedisHub(redis_url)
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    assert await write(gateway, letters(token, "old")) == (True, False)
    exchange = hub.worker._line.exchange

    def exchange_slowly(commands: Sequence[Command], then: Sequence[Command] = ()) -> list[Any]:
        """Between any two commands another session begins, and hears something."""
        replies: list[Any] = []
        for number, command in enumerate((*commands, *then), 1):
            replies += exchange([command])
            hub.client.hset(keys.link_keys(END).seat, "token", token + number)
            fields = {"token": token + number, "kind": "opened", "at": AT.isoformat(), "payload": "1.0.0"}
            hub.client.xadd(keys.mail_keys(END).mail, fields)  # type: ignore[arg-type]  # redis-py's is invariant.
        return replies

    monkeypatch.setattr(hub.worker._line, "exchange", exchange_slowly)
    bag = hub.worker.mail(END)

    assert bag.token is not None
    assert [letter.payload for letter in bag.letters][:1] == ["old"]
    assert all(letter.token <= bag.token for letter in bag.letters)
    await hub.close()


async def test_a_mailbox_that_nobody_empties_ends_by_itself(redis_url: str) -> None:
    hub = RedisHub(redis_url)
    gateway = await hub.gateway("one")

    await write(gateway, letters(await gateway.claim_seat(SEAT), "a"))

    assert hub.client.ttl(keys.mail_keys(END).mail) > 24 * 3600
    await hub.close()


def test_what_is_given_up_names_who_waits() -> None:
    other = UUID(int=7)
    batch = letters(3, "a", "b")
    batch.fold(other, 4, "PowerMeasurement", "{}")
    batch.ask_for_room(other, 4)

    assert batch.give_up_mail() == [MailRefused(END, 3)]

    assert batch.give_up_mail() == []
    assert batch.links[END].mail is None
    assert batch.links[other].fields == {"PowerMeasurement": "{}"}


async def test_letters_keep_their_order_when_batches_are_joined(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    batch = letters(token, "a")
    newer = letters(token, "b")
    newer.wake_node(ALDER, END)
    batch.absorb(newer)

    result = await gateway.write(batch)

    assert payloads(hub) == ["a", "b"]
    assert result.woken == [Wake(ALDER, None, END)]


async def test_of_two_sessions_in_one_turn_only_the_newer_one_posts(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    older = await gateway.claim_seat(SEAT)
    newer = await gateway.claim_seat(SEAT)
    batch = letters(older, "old")
    batch.post(END, newer, "instruction", AT, "new")
    batch.post(END, older, "instruction", AT, "late")

    await gateway.write(batch)

    assert payloads(hub) == ["new"]
