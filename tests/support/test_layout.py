from __future__ import annotations

from tests.support.early import ROOT


def test_neither_platform_nor_tests_are_packages() -> None:
    """Decision 0001: `platform` would stand in front of the standard library's module of that name."""
    packages = [*ROOT.glob("platform/__init__.py"), *(ROOT / "tests").rglob("__init__.py")]

    assert packages == []
