from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest

from flexhub.embedded import EmbeddedError
from flexhub.embedded.locking import exclusive


def test_a_second_starter_waits_and_says_so(tmp_path: Path) -> None:
    messages: list[str] = []
    order: list[str] = []
    waiting = Event()

    def report(text: str) -> None:
        messages.append(text)
        waiting.set()

    def second() -> None:
        with exclusive(tmp_path / "lock", report):
            order.append("second")

    thread = Thread(target=second)
    with exclusive(tmp_path / "lock", messages.append):
        thread.start()
        assert waiting.wait(20)
        order.append("first")
    thread.join(20)

    assert order == ["first", "second"]
    assert messages == ["waiting for another process that is starting or stopping the services"]


def test_a_lock_that_is_never_released_is_an_error(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "lock", lambda _: None),
        pytest.raises(EmbeddedError, match=r"holds .*lock for more than 0 s"),
        exclusive(tmp_path / "lock", lambda _: None, timeout_s=0),
    ):
        pass


def test_the_file_of_a_starter_that_died_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()

    with exclusive(tmp_path / "lock", pytest.fail):
        pass
