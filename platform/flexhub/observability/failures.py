"""Errors of other people's code and machines, as rows and logs may hold them."""

from __future__ import annotations

import traceback


def storable(text: str, most: int) -> str:
    """At most so many characters of a text from outside. PostgreSQL takes no NUL in it."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)[:most]


def in_short(error: Exception, most: int) -> str:
    """An error for people, in at most so many characters: its kind, and what it says."""
    return storable(f"{type(error).__name__}: {error}", most)


def place_of(error: BaseException) -> str:
    """What went wrong and where, without the error's text: that may hold whatever was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
