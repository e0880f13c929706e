"""System descriptions that were accepted before their valid_from, until they come into force (R-42).

The rules look at the time line of descriptions by themselves. A shell that keeps the one description that counts has to
be told when another one takes its place, and before it is told of anything that is about that one already.
"""

from __future__ import annotations

from datetime import datetime

from s2.descriptions import SystemDescription
from s2.events import DescriptionInForce, Event
from s2.resource import ResourceView


class Announcements:
    """What was announced and still waits. Not more than there are descriptions on the time line, which is bounded."""

    __slots__ = ("_resource", "_waiting")

    def __init__(self, resource: ResourceView) -> None:
        self._resource = resource
        self._waiting: tuple[SystemDescription, ...] = ()

    def note(self, description: SystemDescription, now: datetime) -> None:
        """Remember a description that was accepted, unless it counts already or never will."""
        if self._resource.description_at(now) is not description:
            self._waiting = self._known((*self._waiting, description))

    def next_deadline(self) -> datetime | None:
        return min((each.valid_from for each in self._waiting), default=None) if self._waiting else None

    def due(self, now: datetime) -> list[Event]:
        """Tell what has come into force. What was replaced or revoked meanwhile never does."""
        if not self._waiting:
            return []
        in_force = self._resource.description_at(now)
        begun = any(each is in_force for each in self._waiting)
        self._waiting = tuple(
            each for each in self._known(self._waiting) if each is not in_force and each.valid_from > now
        )
        return [DescriptionInForce(in_force)] if begun and in_force is not None else []

    def _known(self, descriptions: tuple[SystemDescription, ...]) -> tuple[SystemDescription, ...]:
        line = tuple(self._resource.descriptions)
        return tuple(each for each in descriptions if any(each is one for one in line))
