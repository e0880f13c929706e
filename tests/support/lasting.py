"""What the tests of a folder share: made for the first of them that asks, ended after the last.

pytest's own scopes are a module and the whole session, and the processes of a session go on working beside all tests
that follow in it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import pytest

Made = TypeVar("Made")


class Lasting(AbstractContextManager["Lasting[Made]"], Generic[Made]):
    """`make` makes it, also a second time where a folder is come back to. Leaving this context ends it in any case."""

    def __init__(self, folder: Path, make: Callable[[], AbstractContextManager[Made]]) -> None:
        self._folder = folder
        self._make = make
        self._made: list[Made] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def get(self) -> Made:
        if not self._made:
            self._made.append(self._stack.enter_context(self._make()))
        return self._made[0]

    def end_unless_wanted(self, nextitem: pytest.Item | None) -> None:
        """After each test. At the end of the session its fixtures end this, before what it stands on."""
        if nextitem is not None and self._folder not in nextitem.path.parents:
            self.end()

    def end(self) -> None:
        self._made.clear()
        self._stack.close()
