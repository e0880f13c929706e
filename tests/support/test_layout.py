from __future__ import annotations

import re
from pathlib import Path

from tests.support.early import ROOT


def test_neither_platform_nor_tests_are_packages() -> None:
    """Decision 0001: `platform` would stand in front of the standard library's module of that name."""
    packages = [*ROOT.glob("platform/__init__.py"), *(ROOT / "tests").rglob("__init__.py")]

    assert packages == []


def test_contributors_find_every_make_target() -> None:
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    pages = (ROOT / "README.md").read_text() + (ROOT / "docs" / "contributing.md").read_text()

    assert [target for target in targets.split() if f"make {target}" not in pages] == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("[a-z]*/README.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {path}#{anchor}"
        for page in pages
        for path, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", page.read_text())
        if not _leads_somewhere(page.parent / path if path else page, anchor)
    ]

    assert broken == []


def _leads_somewhere(target: Path, anchor: str) -> bool:
    if not target.exists():
        return False
    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if anchor else []
    return not anchor or anchor in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
