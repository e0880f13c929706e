"""An outage is logged once when it begins and once when it ends, however often the work is tried in between."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class Outage:
    """`what` completes the sentence of the log line, such as "telemetry is not being stored"."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lasts = False

    @contextmanager
    def expected(self, *errors: type[Exception]) -> Iterator[None]:
        """Swallow these errors from a block that is tried again later anyway."""
        try:
            yield
        except errors as error:
            if not self._lasts:
                logger.warning("%s: %s: %s", self._what, type(error).__name__, error)
            self._lasts = True
        else:
            if self._lasts:
                logger.warning("over: %s", self._what)
            self._lasts = False
