"""Randomness as a function: the same seed and the same words give the same number, in any process and order."""

from __future__ import annotations

from functools import lru_cache
from random import Random


@lru_cache(maxsize=4096)
def chance(*words: object) -> float:
    """A number from 0 up to 1 for these words."""
    return dice(*words).random()


def dice(*words: object) -> Random:
    """A generator for a sequence of draws that belong together."""
    return Random(":".join(map(str, words)))  # noqa: S311 - Weather and kettles, not secrets.
