"""In which language whoever reads an answer has reasons told: the one that the browser or the program asks for.

Only reasons are told in it. The pages around them are English, so Django's own choice of a language, which would
translate parts of them, stays as it is; a reason says in its element which language it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request

from cem_service.phrases import DEFAULT, Language, language_of

_language: ContextVar[Language] = ContextVar("language of the reader", default=DEFAULT)


def language() -> Language:
    return _language.get()


@contextmanager
def reading(spoken: Language) -> Iterator[None]:
    """What is told in this block, in this thread or coroutine, is told in that language."""
    token = _language.set(spoken)
    try:
        yield
    finally:
        _language.reset(token)


class ReaderMiddleware:
    """By `Accept-Language`, among the languages of the settings."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with reading(language_of(get_language_from_request(request))):
            response = self.get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        return response
