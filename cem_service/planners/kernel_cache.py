"""Where compiled kernels are kept: in a folder for each state of their sources.

numba compiles a kernel again when its own file has changed, and knows nothing of the files of those that it calls. So a
cache that outlives a release would go on with parts of the old one. With all of them in one digest it cannot.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

NAME = "NUMBA_CACHE_DIR"


def cache_for(sources: Path) -> Path:
    """The folder in which this program keeps the kernels of `sources`.

    A program that can write nowhere makes itself a temporary one, which its children inherit.
    """
    digest = digest_of(sources)
    folder = first_writable(base / digest for base in _bases(sources))
    if folder is None:
        os.environ[NAME] = tempfile.mkdtemp(prefix="flexhub-kernels-")
        folder = Path(os.environ[NAME]) / digest
    return folder


def digest_of(sources: Path) -> str:
    """Of the text of all modules in a folder."""
    found = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def first_writable(folders: Iterable[Path]) -> Path | None:
    """The first that exists or can be made, and can be written to."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def _bases(sources: Path) -> Iterator[Path]:
    """What the operator has named, beside the sources, the user's own cache."""
    if named := os.environ.get(NAME):
        yield Path(named)
    yield sources / "__pycache__"
    yield Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "flexhub-kernels"
