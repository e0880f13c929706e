"""What every provider's folder has to have."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cem_service.feeds.catalogue import UnknownProvider, manifest_of, manifests, provider_named
from cem_service.feeds.models import ERROR_CHARACTERS, Feed

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", manifests())
def test_a_provider_is_a_folder_of_four_parts(name: str) -> None:
    folder = ROOT / "cem_service" / "feeds" / name

    assert {each.name for each in folder.iterdir() if each.suffix in {".py", ".toml"}} == {
        *("__init__.py", "manifest.toml", "client.py", "mapping.py", "feed.py")
    }
    assert callable(provider_named(name).fetch)
    assert manifest_of(name).fetch.every <= manifest_of(name).fetch.valid_for


def test_no_provider_is_left_out_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (modules,) = (contract["modules"] for contract in contracts if contract["id"] == "feeds")

    assert sorted(modules) == [f"cem_service.feeds.{name}" for name in manifests()]


def test_an_unknown_provider_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownProvider, match=r"'oracle'; there is .*entsoe"):
        manifest_of("oracle")


def test_a_name_of_a_folder_fits_into_its_column() -> None:
    assert max(map(len, manifests())) <= (Feed._meta.get_field("provider").max_length or 0)
    assert Feed._meta.get_field("last_error").max_length == ERROR_CHARACTERS
