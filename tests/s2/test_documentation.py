"""docs/s2.md does what it says: its Python blocks run one after the other, and its battery speaks over a socket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from s2.events import MessageRefused
from s2.messages import (
    ControlType,
    InstructionStatus,
    Message,
    SessionRequest,
    SessionRequestType,
)
from tests.support.s2_cem import LoopbackCEM, listening, new_id

PAGE = Path(__file__).resolve().parents[2] / "docs" / "s2.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)[^)]*\)")


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the blocks of the page have made, all of them in one namespace."""
    namespace: dict[str, Any] = {"__name__": "page"}
    for code in blocks(PAGE.read_text()):
        exec(code, namespace)  # noqa: S102 - That it runs is the test.
    return namespace


def test_every_block_runs(page: dict[str, Any]) -> None:
    assert {"Battery", "cem", "run"} <= page.keys()


async def test_the_battery_talks_over_a_websocket(page: dict[str, Any]) -> None:
    battery = page["Battery"]()
    cem = LoopbackCEM(ControlType.FILL_RATE_BASED_CONTROL, lambda: page["order"](3000, datetime.now(UTC)), goodbye)

    async with listening(cem) as url:
        await asyncio.wait_for(page["run"](battery, url, "a-token"), 5)

    assert (battery.mode, battery.close_code) == (page["RUN"], 1000)
    (entry,) = cem.session.ledger
    assert entry.status is InstructionStatus.SUCCEEDED
    assert cem.findings == []
    assert [event for event in cem.events if isinstance(event, MessageRefused)] == []


def test_links_lead_somewhere() -> None:
    missing = [link for link in LINK.findall(PAGE.read_text()) if not (PAGE.parent / link).exists()]

    assert missing == []


def blocks(text: str) -> Iterator[Any]:
    """The blocks, compiled so that a traceback names the line of the page."""
    for found in BLOCK.finditer(text):
        lines_before = text.count("\n", 0, found.start(1))
        yield compile("\n" * lines_before + found[1], str(PAGE), "exec")


def goodbye() -> Message:
    return SessionRequest(message_id=new_id(), request=SessionRequestType.TERMINATE)
