"""Telling of devices that are left out because of a mistake of ours: once when it begins, once when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from flexhub.observability.failures import place_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mistakes:
    """`at` is what part of the work they are made in. Each process tells for itself what it has met."""

    at: str
    _told: dict[UUID, str] = field(default_factory=dict)

    def tell(self, link_ids: Iterable[UUID], errors: Mapping[UUID, Exception]) -> bool:
        """Log what is new of these devices; whether there is any new mistake."""
        news = False
        for link_id in link_ids:
            error, told = errors.get(link_id), self._told.get(link_id)
            if error is None:
                if self._told.pop(link_id, None) is not None:
                    log.warning("cem.device_taken_back", at=self.at, link_id=str(link_id))
            elif told != place_of(error):
                self._told[link_id] = place_of(error)
                log.error("cem.device_left_out", at=self.at, link_id=str(link_id), exc_info=error)
                news = True
        return news
