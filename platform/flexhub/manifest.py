"""`manifest.toml`: what a folder of adapters or feeds says of itself without being imported.

What every manifest has, and how it is read. Durations are written as in ISO 8601 (PT15M); a key that is not known is an
error, because it is mostly a misspelt one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

FILE_NAME = "manifest.toml"
_DURATION = re.compile(r"P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?")


class ManifestError(ValueError):
    """The manifest cannot be used; the text names each field that is wrong, and what would be right."""


def _duration(value: object) -> object:
    """Durations are text; a bare number would leave its unit open."""
    if isinstance(value, timedelta) or (isinstance(value, str) and _DURATION.fullmatch(value)):
        return value
    raise ValueError("should be an ISO 8601 duration such as PT15M")


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Part(BaseModel):
    """A table of a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseManifest(Part):
    """What every manifest says. `endpoints` are addresses by the names that the folder's code calls them by."""

    id: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: str
    endpoints: Mapping[str, str] = Field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a manifest. Raises ManifestError."""
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ManifestError(f"not TOML: {error}") from None
        except ValidationError as error:
            raise ManifestError("; ".join(map(_fault, error.errors()))) from None

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Read the manifest of a folder, whose name has to be its id. Raises ManifestError."""
        path = folder / FILE_NAME
        try:
            manifest = cls.from_text(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ManifestError(f"{path}: {error.strerror}") from None
        except ManifestError as error:
            raise ManifestError(f"{path}: {error}") from None
        if manifest.id != folder.name:
            raise ManifestError(f"{path}: id: should be {folder.name}, the name of the folder")
        return manifest


def _fault(error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    text = error["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" if place else text
