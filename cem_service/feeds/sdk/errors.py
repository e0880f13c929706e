"""What may go wrong between a feed and its provider.

    FeedError
    ├── Transient   worth another try after a while: no answer, an overloaded server, a spent budget
    ├── Empty       an answer, and nothing in it for the time that was asked for
    ├── Malformed   an answer that is not what its documentation says; it names the field
    ├── Refused     the provider does not take the question as it is: the settings are wrong
    └── AuthGone    the credential is not accepted

A feed raises nothing else on purpose. With the last two, nothing helps until a person has changed something. No text
of these quotes a question: the credential may be in it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar


class FeedError(Exception):
    """Base of all that a feed raises. `needs_person`: asking again soon is no use."""

    needs_person: ClassVar[bool] = False


class Transient(FeedError):
    """Try again; not before `retry_after`, where the provider has said so."""

    def __init__(self, text: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Empty(FeedError):
    """There is nothing for the time that was asked for."""


class Malformed(FeedError):
    """`field` is the place in the answer, written as a path: `data[3].intensity.forecast`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class Refused(FeedError):
    """The question is one that the provider does not answer."""

    needs_person = True


class AuthGone(FeedError):
    """The credential is missing, wrong or no longer valid."""

    needs_person = True
