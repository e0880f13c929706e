"""What must happen before pytest-django loads Django's settings; `addopts` loads this module first.

The settings want addresses of services, but a run that only touches the pure core should neither start servers nor
load Django. So the addresses are placeholders until a fixture needs the real ones, and Django is left out altogether
when every path on the command line is pure. Workers of pytest-xdist inherit what the first process has put into the
environment.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

# Port 1 answers nobody: a test that connects without asking for a fixture fails at once and says where.
PLACEHOLDERS = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/ask_for_the_db_fixture",
    "DATABASE_OWNER_URL": "postgresql://nobody@127.0.0.1:1/ask_for_the_db_fixture",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "for-tests-only",
    "SECRETS_KEYS": "for-tests-only".ljust(43, "0"),
    "DEBUG": "1",
    "LOG_JSON": "0",
}
# Folders whose tests need no Django, and therefore start at once.
PURE = (
    "tests/s2",
    "tests/cem_service/domain",
    "tests/cem_service/planners",
    "tests/cem_service/feeds/carbon_intensity",
    "tests/cem_service/feeds/electricity_maps",
    "tests/cem_service/feeds/energy_charts",
    "tests/cem_service/feeds/entsoe/test_mapping.py",
    "tests/cem_service/feeds/open_meteo",
    "tests/cem_service/feeds/openadr/test_mapping.py",
    "tests/cem_service/feeds/sdk",
    "tests/cem_service/feeds/simulator",
    "tests/cem_service/feeds/test_schedule.py",
    "tests/cem_service/feeds/test_spoilt_answers.py",
    "tests/cem_service/test_instructions.py",
    "tests/flexhub/test_env.py",
    "tests/flexhub/test_clock.py",
    "tests/flexhub/embedded",
    "tests/flexhub/demo",
    "tests/flexhub/flexibility/pooling",
    "tests/rm_adapters/sdk",
)


def fill_environment() -> dict[str, str]:
    """Put placeholders where nothing is set. Returns the addresses that were given from outside."""
    given = {name: os.environ[name] for name in PLACEHOLDERS if os.environ.get(name)}
    for name, value in PLACEHOLDERS.items():
        os.environ[name] = os.environ.get(name) or value
    return given


GIVEN = fill_environment()


def is_pure(argument: str) -> bool:
    path = Path(argument.partition("::")[0]).resolve()
    return any(path.is_relative_to(ROOT / folder) for folder in PURE)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting makes no garbage: to look for it takes a quarter of the time, and later looks pass by all of this."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    paths: list[str] = early_config.known_args_namespace.file_or_dir
    if not paths or not all(is_pure(path) for path in paths):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexhub.settings")
