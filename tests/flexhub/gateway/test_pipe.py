from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flexhub.gateway import limits
from flexhub.gateway.pipe import PipeEnd, pipe

LIMIT = 1_000


async def say(end: PipeEnd, *texts: str) -> None:
    for text in texts:
        await end.send({"type": "websocket.send", "text": text})


async def heard(end: PipeEnd) -> list[str]:
    """What is there, up to the end of the pipe."""
    texts: list[str] = []
    while (event := await asyncio.wait_for(end.receive(), 10))["type"] == "websocket.receive":
        texts.append(event["text"])
    return texts


async def ending(end: PipeEnd) -> tuple[Any, Any]:
    while (event := await asyncio.wait_for(end.receive(), 10))["type"] == "websocket.receive":
        pass
    return event["code"], event["reason"]


async def test_carries_texts_both_ways_in_order() -> None:
    left, right = pipe(LIMIT)

    await left.send({"type": "websocket.accept"})
    await say(left, "1", "2", "ü")
    await say(right, "a")
    await left.send({"type": "websocket.close", "code": 1000, "reason": "done"})
    await say(right, "too late")

    assert await heard(right) == ["1", "2", "ü"]
    assert await heard(left) == ["a"]


async def test_both_ends_learn_how_it_ended_and_the_first_word_counts() -> None:
    left, right = pipe(LIMIT)

    await left.send({"type": "websocket.close", "code": 4409, "reason": "replaced"})
    await right.send({"type": "websocket.close", "code": 1000})

    for end in (left, right, left):
        assert await ending(end) == (4409, "replaced")


async def test_a_reader_waits_for_the_next_frame() -> None:
    left, right = pipe(LIMIT)
    reading = asyncio.create_task(right.receive())
    await asyncio.sleep(0)
    assert not reading.done()

    await say(left, "now")

    assert (await asyncio.wait_for(reading, 10))["text"] == "now"
    ending_ = asyncio.create_task(left.receive())
    await asyncio.sleep(0)
    right.close(1000, "")
    assert (await asyncio.wait_for(ending_, 10))["type"] == "websocket.disconnect"


async def test_two_ends_that_answer_everything_never_stand_still() -> None:
    left, right = pipe(LIMIT)
    rounds = 5_000

    async def talk(end: PipeEnd) -> int:
        # Each sends all that it may have under way before it reads anything, and then one for each that it reads.
        for _ in range(limits.PIPE_FRAMES // 2):
            await say(end, "x")
        for _ in range(rounds):
            assert (await end.receive())["type"] == "websocket.receive"
            await say(end, "x")
        return rounds

    async with asyncio.timeout(60):
        assert sum(await asyncio.gather(talk(left), talk(right))) == 2 * rounds


async def test_others_have_their_turn_between_two_frames() -> None:
    left, right = pipe(LIMIT)
    await say(left, *["x"] * 100)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    for _ in range(100):
        await right.receive()
    beside.cancel()

    assert turns >= 99


@pytest.mark.parametrize("text", ["x" * (LIMIT + 1), "ü" * (LIMIT // 2 + 1)])
async def test_a_frame_above_the_limit_closes_it_as_a_socket_would(text: str) -> None:
    left, right = pipe(LIMIT)
    await say(left, "x" * LIMIT, "ü" * (LIMIT // 2), text)

    assert len(await heard(right)) == 2
    assert (await ending(left))[0] == 1009


async def test_breaks_when_an_end_takes_nothing_in() -> None:
    left, right = pipe(LIMIT)
    await say(left, *["x"] * limits.PIPE_FRAMES)
    assert not left._end

    await say(left, "one too many")

    assert len(await heard(right)) == limits.PIPE_FRAMES
    assert await ending(left) == (1006, "it did not take in what was sent to it")


async def test_breaks_when_too_much_text_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PIPE_CHARACTERS", 10)
    left, right = pipe(LIMIT)
    await say(left, "x" * 10)
    await right.receive()
    await say(left, "x" * 10)
    assert not left._end

    await say(left, "y")

    assert (await ending(left))[0] == 1006
