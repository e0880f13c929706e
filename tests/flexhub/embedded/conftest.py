"""Each test that starts servers does so in a root folder of its own and leaves none running."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from flexhub import embedded
from flexhub.embedded import Services
from flexhub.embedded.account import service_account
from flexhub.embedded.places import places_for

Start = Callable[..., Services]


@contextmanager
def root_folder() -> Iterator[Path]:
    """A folder that every account can pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="flexhub-embedded-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        embedded.stop(folder, lambda _: None)
        places_for(folder, service_account()).remove()


@pytest.fixture
def root() -> Iterator[Path]:
    with root_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server() -> Iterator[Services]:
    """Servers for the tests of one module, which may do to them what the suite's own would not survive."""
    with root_folder() as folder:
        yield embedded.start(folder, lambda _: None, tethered=True, durable=False, environment={})


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def start(root: Path, messages: list[str]) -> Start:
    return partial(embedded.start, root, messages.append, tethered=True, durable=False, environment={})
