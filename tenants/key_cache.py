"""Keys that this process has unwrapped, so that not every secret costs a query."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from tenants.envelope import Key


class KeyCache:
    """The `limit` keys that were used last. For any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: OrderedDict[str, Key] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key_id: str) -> Key | None:
        with self._lock:
            if key_id in self._keys:
                self._keys.move_to_end(key_id)
            return self._keys.get(key_id)

    def put(self, key: Key) -> None:
        with self._lock:
            self._keys[key.id] = key
            self._keys.move_to_end(key.id)
            if len(self._keys) > self._limit:
                self._keys.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._keys.clear()
