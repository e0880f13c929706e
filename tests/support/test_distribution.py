"""Which tests stay together in a distributed run, and which begin first."""

from __future__ import annotations

import pytest

from tests.support.distribution import FIRST, TOGETHER, turn_of, unit_of
from tests.support.early import ROOT


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        ("tests/s2/test_rules.py::test_one[a::b]", "tests/s2/test_rules.py"),
        ("tests/s2/test_rules.py::TestRule::test_one", "tests/s2/test_rules.py"),
        ("tests/e2e/hub/test_faults.py::test_one", "tests/e2e/hub"),
        ("tests/e2e/test_pages.py::test_one", "tests/e2e/test_pages.py"),
    ],
)
def test_a_module_stays_whole_and_those_with_one_hub_stay_together(nodeid: str, unit: str) -> None:
    assert unit_of(nodeid) == unit


def test_what_takes_longest_begins_first() -> None:
    slow, quick = "tests/e2e/hub/test_faults.py::test_one", "tests/s2/test_rules.py::test_one"

    assert min([quick, "tests/e2e/test_pages.py::test_one", slow], key=turn_of) == slow
    assert turn_of(quick) == len(FIRST)


def test_the_paths_are_there() -> None:
    assert [path for path in FIRST + TOGETHER if not (ROOT / path).exists()] == []
