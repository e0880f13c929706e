"""The vendors: every folder of `vendors/` with a manifest is one, and nothing else has to know it by name.

A vendor's package has two modules that are used from here: `adapter`, whose `ADAPTER` is the adapter, and `client`,
whose `connect` makes what the adapter talks to its vendor with. They are imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from flexhub.manifest import FILE_NAME
from rm_adapters.sdk import Adapter, Connect, Manifest

_FOLDER = Path(__file__).parent / "vendors"
_PACKAGE = "rm_adapters.vendors"


class UnknownVendor(ValueError):
    """There is no adapter of this name."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor, ready for use."""

    manifest: Manifest
    adapter: Adapter[Any]
    connect: Connect[Any]


@cache
def manifests() -> Mapping[str, Manifest]:
    """What each vendor says of itself, by its name. Raises ManifestError."""
    folders = sorted(path.parent for path in _FOLDER.glob(f"*/{FILE_NAME}"))
    return {folder.name: Manifest.from_folder(folder) for folder in folders}


@cache
def vendor_named(name: str) -> Vendor:
    """Raises UnknownVendor."""
    manifest = manifests().get(name)
    if manifest is None:
        raise UnknownVendor(f"there is no vendor {name!r}; there is {', '.join(manifests())}")
    adapter = import_module(f"{_PACKAGE}.{name}.adapter").ADAPTER
    connect = import_module(f"{_PACKAGE}.{name}.client").connect
    return Vendor(manifest, adapter, connect)
