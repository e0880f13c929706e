"""docs/s2.md does what it says: its Python blocks run one after the other, and its battery speaks over a socket."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from s2 import check
from s2.events import Event
from s2.messages import ControlType, InstructionStatus, Message, SessionRequest, SessionRequestType
from s2.strictness import QUIRK_TEXTS
from tests.support.s2_cem import LoopbackCEM, listening, new_id

PAGE = Path(__file__).resolve().parents[2] / "docs" / "s2.md"
TEXT = PAGE.read_text()
LINK = re.compile(r"\]\(([^)#:]+)[^)]*\)")


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the Python blocks have made, all of them in one namespace."""
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks("python"):
        # As many empty lines before it as make a traceback name the line of the page.
        lines_before = TEXT.count("\n", 0, block.start(1))
        exec(compile("\n" * lines_before + block[1], str(PAGE), "exec"), namespace)  # noqa: S102 - That it runs is the test.
    return namespace


def test_every_block_runs(page: dict[str, Any]) -> None:
    assert {"Battery", "cem", "run", "observer"} <= page.keys()


async def test_the_battery_talks_over_a_websocket(page: dict[str, Any]) -> None:
    battery = page["Battery"]()
    cem = LoopbackCEM(ControlType.FILL_RATE_BASED_CONTROL, lambda: page["order"](3000, datetime.now(UTC)), goodbye)

    async with listening(cem) as url:
        await asyncio.wait_for(page["run"](battery, url, "a-token"), 5)

    assert (battery.mode, battery.close_code) == (page["RUN"], 1000)
    (entry,) = cem.session.ledger
    assert entry.status is InstructionStatus.SUCCEEDED
    assert cem.findings == []


def test_the_check_prints_what_the_page_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recording,), (output,) = blocks("json"), blocks("text")
    file = tmp_path / "conversation.jsonl"
    file.write_text(recording[1])

    status = check.main([str(file)])

    assert (status, capsys.readouterr().out) == (check.FOUND_ERRORS, output[1])


def test_every_event_has_its_row() -> None:
    assert [event for event in get_args(Event) if f"`{event.__name__}`" not in TEXT] == []


def test_every_quirk_has_its_row() -> None:
    assert [quirk for quirk in QUIRK_TEXTS if f"| `{quirk.value}` |" not in TEXT] == []


def test_links_lead_somewhere() -> None:
    assert [link for link in LINK.findall(TEXT) if not (PAGE.parent / link).exists()] == []


def blocks(language: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))


def goodbye() -> Message:
    return SessionRequest(message_id=new_id(), request=SessionRequestType.TERMINATE)
