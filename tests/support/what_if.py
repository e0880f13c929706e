"""What a worker would compute, computed at once: nothing is queued."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from cem_service import what_if
from cem_service.runtime import Tools


def answer_at_once(monkeypatch: pytest.MonkeyPatch, tools: Tools) -> None:
    """Needs Redis, through which the answer travels."""

    def send(_task: object, *, life_s: float, tenant_id: UUID, site_id: UUID, question: str, answer_id: str) -> None:
        assert life_s <= what_if.PATIENCE_S
        what_if.answer(tenant_id, site_id, question, answer_id, tools=tools)

    monkeypatch.setattr(what_if, "send_task", send)


def answer_never(monkeypatch: pytest.MonkeyPatch, patience_s: float = 0.01) -> None:
    """No worker runs, and whoever asks is impatient unless told otherwise."""

    def send(*_: Any, **__: Any) -> None:
        return

    monkeypatch.setattr(what_if, "send_task", send)
    monkeypatch.setattr(what_if, "PATIENCE_S", patience_s)
