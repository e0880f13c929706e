"""How a distributed run shares the tests among its workers.

A module stays whole, so that the servers and processes of its fixtures start once; modules that share a hub stay
together. What takes longest, and mostly waits, begins first, so that no worker ends long after the others.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# A hub, or a Cluster, for all modules in here: its processes take longer to start than most tests take.
TOGETHER = ("tests/e2e/hub", "tests/flexhub/bus")
FIRST = (
    "tests/e2e/hub",
    "tests/isolation/test_urls.py",
    "tests/e2e/test_demo.py",
    "tests/e2e/test_pages.py",
    "tests/flexhub/gateway/test_dialled_links.py",
    "tests/isolation/test_admin.py",
    "tests/e2e",
    "tests/flexhub/bus",
    "tests/flexhub/gateway",
    "tests/soak",
    "tests/isolation",
    "tests/flexhub/load",
    "tests/rm_adapters",
    "tests/flexhub/portal",
    "tests/flexhub/embedded",
    "tests/s2/messages/test_schemas.py",
    "tests/s2/test_session_properties.py",
)


class ByModule(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types.
    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """What is given to one worker as a whole: a folder or a module."""
    module = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if module.startswith(f"{folder}/")), module)


def turn_of(nodeid: str) -> int:
    """The lower, the earlier it begins."""
    return next((turn for turn, path in enumerate(FIRST) if nodeid.startswith(path)), len(FIRST))
