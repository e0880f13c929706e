"""The conversation is kept within bounds, over Redis and over its twin."""

from __future__ import annotations

from flexhub.bus import Batch, GatewayBus
from flexhub.bus.ports import LOG_BYTES, LOG_LENGTH
from tests.flexhub.bus.conftest import Hub
from tests.support.links import AT, a_seat

SEAT = a_seat()
LINK = SEAT.link_id
LARGE = "é" * 4_000
# As many fit in; Redis also counts what it needs to hold them.
ROOM = LOG_BYTES // 8_000


async def log(gateway: GatewayBus, token: int, *texts: str) -> None:
    batch = Batch()
    for text in texts:
        batch.log(LINK, token, "received", AT, text)
    await gateway.write(batch)


def kept(hub: Hub) -> list[str]:
    """The oldest first."""
    return [entry.text for entry in reversed(hub.worker.conversation(LINK))]


async def test_a_conversation_of_small_messages_has_its_full_length(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    said = [f"{number:0400}" for number in range(LOG_LENGTH + 50)]

    for start in range(0, len(said), 100):
        await log(gateway, token, *said[start : start + 100])

    assert kept(hub) == said[-LOG_LENGTH:]


async def test_large_messages_take_their_room_from_the_oldest(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)
    await log(gateway, token, *map(str, range(300)))
    large = [f"{LARGE}{number:03}" for number in range(100)]

    await log(gateway, token, *large[:20])
    assert kept(hub) == [*map(str, range(300)), *large[:20]]
    for each in large[20:]:
        await log(gateway, token, each)

    assert ROOM * 3 // 4 <= len(kept(hub)) <= ROOM
    assert kept(hub) == large[-len(kept(hub)) :]


async def test_what_is_said_at_once_is_bounded_too(hub: Hub) -> None:
    gateway = await hub.gateway("one")
    token = await gateway.claim_seat(SEAT)

    await log(gateway, token, *([LARGE] * 200), "last")

    assert ROOM * 3 // 4 <= len(kept(hub)) <= ROOM + 1
    assert kept(hub)[-1] == "last"
