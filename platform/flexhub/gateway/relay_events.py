"""What an end of a relayed link tells its shell beyond the events of a session."""

from __future__ import annotations

from dataclasses import dataclass

from s2.events import Event
from s2.findings import Finding
from s2.messages import Message


@dataclass(frozen=True, slots=True)
class Passed:
    """The peer said something right; it is on its way to the far end, whose verdict will come.

    The findings are warnings.
    """

    text: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """The peer got a message of the far end's peer."""

    text: str


@dataclass(frozen=True, slots=True)
class Farewell:
    """We asked the peer to reconnect."""

    text: str


@dataclass(frozen=True, slots=True)
class Disputed:
    """The verdict on a message of our peer was not OK; this is how it was told."""

    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The far end's peer has answered this message of our peer with OK; `text` is how it was passed on."""

    message: Message
    text: str


RelayEvent = Event | Passed | Delivered | Farewell | Disputed | Taken
