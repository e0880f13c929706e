from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flexhub.gateway.refusals import Refusal, refuse

REFUSAL = Refusal(HTTPStatus.CONFLICT, "No.\n", ((b"retry-after", b"5"),))


async def answers(extensions: dict[str, object] | None) -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event)

    await refuse({"type": "websocket", "extensions": extensions}, send, REFUSAL)
    return sent


async def test_answers_with_the_status_where_the_server_can() -> None:
    start, body = await answers({"websocket.http.response": {}})

    assert (start["status"], start["headers"][-1]) == (409, (b"retry-after", b"5"))
    assert body["body"] == b"No.\n"


async def test_closes_where_the_server_cannot() -> None:
    (close,) = await answers(None)

    assert close["type"] == "websocket.close"
