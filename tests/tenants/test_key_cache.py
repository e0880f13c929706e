from __future__ import annotations

from tenants.envelope import Key
from tenants.key_cache import KeyCache


def test_keeps_what_was_used_last() -> None:
    cache = KeyCache(limit=2)
    one, two, three = (Key(name, b"k" * 32) for name in ("one", "two", "three"))

    cache.put(one)
    cache.put(two)
    assert cache.get("one") is one
    cache.put(three)

    assert len(cache) == 2
    assert (cache.get("one"), cache.get("two"), cache.get("three")) == (one, None, three)


def test_forgets_all() -> None:
    cache = KeyCache(limit=2)
    cache.put(Key("one", b"k" * 32))

    cache.clear()

    assert cache.get("one") is None
