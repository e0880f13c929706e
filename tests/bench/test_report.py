from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.__main__ import GROUPS
from tests.bench.report import PAGE, write_page
from tests.bench.rows import Row, keep
from tests.bench.subjects import SUBJECTS

PLACES = "Before.\n" + "".join(f"<!-- rows: {name} -->\nold\n<!-- end -->\nBetween.\n" for name in SUBJECTS)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PLACES)
    return path


def test_writes_what_was_measured_where_it_belongs(page: Path, tmp_path: Path) -> None:
    results = tmp_path / "bench.json"
    keep(
        [
            Row("measurement-cpu", 76.4, "us/message", target=2.0, baseline=156.0),
            Row("session-memory", 61.25, "KB/session", target=60.0),
            Row("session-memory-uvicorn", 36.0, "KB/session"),
            Row("soak-lost", 0.0, "messages", target=0.0),
        ],
        results,
    )

    write_page(page, results)
    write_page(page, results)

    text = page.read_text()
    assert "| 76.4 µs | 156 µs | 0.49 | ≤ 2 | met |" in text
    assert "| 61.2 KB | - | - | ≤ 60 KB | **missed** |" in text
    assert "| the same on uvicorn | 36 KB | - | - | - | |" in text
    assert "| 0 | - | - | ≤ 0 | met |" in text
    assert text.count("Measured on ") == 3
    # What was not measured stays as it is.
    assert text.count("\nold\n") == len(SUBJECTS) - 3
    assert text.startswith("Before.\n")
    assert text.count("Between.\n") == len(SUBJECTS)


def test_a_page_without_the_place_is_told(tmp_path: Path) -> None:
    results, page = tmp_path / "bench.json", tmp_path / "page.md"
    keep([Row("session-memory", 36.0, "KB/session")], results)
    page.write_text("Nothing here.\n")

    with pytest.raises(LookupError, match="crowd"):
        write_page(page, results)


def test_every_row_has_its_words_and_every_subject_its_place() -> None:
    measured = {name for group in GROUPS for name in group}
    explained = {name for whats in SUBJECTS.values() for name in whats}

    assert measured <= explained
    soaked = tuple(f"{name}-" for name in ("soak", "weeks"))  # Measured by `make soak`.
    assert {name for name in explained if not name.startswith(soaked)} <= measured
    for name in SUBJECTS:
        assert f"<!-- rows: {name} -->" in PAGE.read_text(encoding="utf-8")
