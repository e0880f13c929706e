"""The providers: every folder beside this file with a manifest is one, and nothing else has to know it by name.

A provider's package has a module `feed`, whose `PROVIDER` does the asking. It is imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from cem_service.feeds.sdk import Manifest, Provider
from flexhub.manifest import FILE_NAME

_FOLDER = Path(__file__).parent
_PACKAGE = "cem_service.feeds"


class UnknownProvider(ValueError):
    """There is no folder of this name."""


@cache
def manifests() -> Mapping[str, Manifest]:
    """What each provider says of itself, by its name. Raises ManifestError."""
    folders = sorted(path.parent for path in _FOLDER.glob(f"*/{FILE_NAME}"))
    return {folder.name: Manifest.from_folder(folder) for folder in folders}


def manifest_of(name: str) -> Manifest:
    """Raises UnknownProvider."""
    found = manifests().get(name)
    if found is None:
        raise UnknownProvider(f"there is no provider {name!r}; there is {', '.join(manifests())}")
    return found


@cache
def provider_named(name: str) -> Provider:
    """Raises UnknownProvider."""
    provider: Provider = import_module(f"{_PACKAGE}.{manifest_of(name).id}.feed").PROVIDER
    return provider
