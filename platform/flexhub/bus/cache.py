"""Django's cache on the bus's Redis: one server, Sentinels or a Cluster, with the same bounds as all that we ask it.

Values are JSON: whoever can write into Redis must not be able to have us run what a pickle says. What JSON does not
know, such as a tuple or a date, is refused or comes back as its next of kin.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from flexhub.bus.opening import open_worker_line
from flexhub.bus.scripts import Argument
from flexhub.bus.worker_line import WorkerLine


class BusCache(BaseCache):
    """Raises BusUnavailable, and leaves to its users what is to be done without it.

    It holds counters of attempts and what must not be used twice. To answer "never seen" while Redis is away would
    switch these off just when somebody has pushed it over.
    """

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        """The location is not used: like the bus, it is where REDIS_URL says."""
        super().__init__(params)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        text = self._ask("GET", self._key(key, version))
        return default if text is None else json.loads(text)

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        self._set(self._key(key, version), value, timeout)

    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Whether nobody had set it; two who ask at once do not both hear yes."""
        return self._set(self._key(key, version), value, timeout, "NX")

    def touch(
        self,
        key: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        name, life_ms = self._key(key, version), self._life_ms(timeout)
        return bool(self._ask("PERSIST", name) if life_ms is None else self._ask("PEXPIRE", name, life_ms))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._ask("DEL", self._key(key, version)))

    def _set(self, name: str, value: Any, timeout: float | None, *options: str) -> bool:
        life_ms = self._life_ms(timeout)
        if life_ms is not None and life_ms <= 0:
            # As Django has it: what lives for no time is not there.
            self._ask("DEL", name)
            return True
        life: tuple[Argument, ...] = () if life_ms is None else ("PX", life_ms)
        return self._ask("SET", name, json.dumps(value), *life, *options) is not None

    def _life_ms(self, timeout: float | None) -> int | None:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else round(seconds * 1000)

    def _key(self, key: Any, version: int | None) -> str:
        return str(self.make_and_validate_key(key, version=version))

    def _ask(self, *command: Argument) -> Any:
        line = _line(settings.REDIS_URL, settings.REDIS_TIMEOUT_S, settings.REDIS_CONNECTIONS)
        return line.exchange([command])[0]


@cache
def _line(url: str, timeout_s: float, connections: int) -> WorkerLine:
    return open_worker_line(url, timeout_s=timeout_s, connections=int(connections))
