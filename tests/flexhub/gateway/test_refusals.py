from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flexhub.gateway.limits import RETRY_AFTER_S
from flexhub.gateway.refusals import Refusal, refuse

REFUSAL = Refusal(HTTPStatus.CONFLICT, "No.\n", ((b"x-reason", b"5"),))
LATER = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Later.\n")


async def answers(extensions: dict[str, object] | None, refusal: Refusal = REFUSAL) -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event)

    await refuse({"type": "websocket", "extensions": extensions}, send, refusal)
    return sent


async def test_answers_with_the_status_where_the_server_can() -> None:
    start, body = await answers({"websocket.http.response": {}})

    assert (start["status"], start["headers"][-1]) == (409, (b"x-reason", b"5"))
    assert body["body"] == b"No.\n"


async def test_spreads_those_who_are_to_come_back() -> None:
    headers = [dict((await answers({"websocket.http.response": {}}, LATER))[0]["headers"]) for _ in range(200)]

    times_s = {int(each[b"retry-after"]) for each in headers}
    assert times_s <= set(range(RETRY_AFTER_S[0], RETRY_AFTER_S[1] + 1))
    assert len(times_s) > 5


async def test_closes_where_the_server_cannot() -> None:
    (close,) = await answers(None)

    assert close["type"] == "websocket.close"
