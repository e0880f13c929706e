"""The addresses of an OpenADR 3 VTN, of which we are a VEN: /auth/token, /programs and /events.

As in the OpenAPI document of OpenADR 3.0.1 by the OpenADR Alliance, which 3.1 has left as it is here: client
credentials in a form (RFC 6749, 4.4), lists in pages of 50. We read; no report is made and nothing subscribed to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cem_service.feeds.sdk import AuthGone, Line, Malformed, Place, Question

_PAGE = 50
_MOST_PAGES = 20


class VTN:
    """The way to one VTN with one access token."""

    def __init__(self, line: Line, question: Question) -> None:
        """Raises FeedError."""
        self._line = line
        self._base = str(question.settings["vtn"]).rstrip("/")
        token = self._token(question) if question.credential else ""
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def programs(self) -> list[Place]:
        return list(self._list("programs", {}))

    def events(self, program_id: str) -> list[Place]:
        return list(self._list("events", {"programID": program_id}))

    def _token(self, question: Question) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": str(question.settings.get("client_id", "")),
            "client_secret": question.credential,
            "scope": str(question.settings.get("scope", "")),
        }
        url = str(question.settings.get("token_url") or f"{self._base}/auth/token")
        answer = self._line.post_form(url, {name: value for name, value in form.items() if value})
        if answer.status == 400:
            raise AuthGone("the VTN gives no access token for this client")
        token = (Place.of(answer.taken()) / "access_token").text()
        if not token.isascii() or not token.isprintable():
            raise Malformed("access_token", "should be printable")
        return token

    def _list(self, name: str, query: Mapping[str, str]) -> Iterator[Place]:
        for page in range(_MOST_PAGES):
            params = {**query, "skip": str(page * _PAGE), "limit": str(_PAGE)}
            answer = self._line.get(f"{self._base}/{name}", params=params, headers=self._headers)
            found = list(Place(Place.of(answer.taken()).value, name).items())
            yield from found
            if len(found) < _PAGE:
                return
        raise Malformed(name, f"should be at most {_MOST_PAGES * _PAGE}")
