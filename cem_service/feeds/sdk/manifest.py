"""`manifest.toml`: what a feed says of itself without being imported.

The framework lists providers, judges settings and plans fetches by it. Durations are written as in ISO 8601 (PT15M); a
key that is not known here is an error, because it is mostly a misspelt one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from cem_service.domain.feed import SeriesKind

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


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Auth(_Part):
    """What the provider wants to be shown. `hint` says to people where they get it."""

    kind: Literal["none", "api_key", "oauth2_client"]
    hint: str = ""
    optional: bool = False

    @property
    def takes_credential(self) -> bool:
        return self.kind != "none"

    @property
    def needs_credential(self) -> bool:
        return self.takes_credential and not self.optional


class Fetch(_Part):
    """How often to ask, for which stretch around now, and for how long an answer is of use."""

    every: Duration
    valid_for: Duration
    back: Duration = timedelta(hours=1)
    ahead: Duration = timedelta(days=2)


class Setting(_Part):
    """One thing that a person says of the feed. Numbers are kept with `digits` digits behind the point."""

    name: Name
    kind: Literal["text", "number", "choice", "url"]
    help: str
    required: bool = False
    default: str | float | None = None
    pattern: str = r"[^\s].{0,199}"
    choices: tuple[str, ...] = ()
    low: float = -1e9
    high: float = 1e9
    digits: int = Field(default=6, ge=0, le=6)

    @model_validator(mode="after")
    def _makes_sense(self) -> Setting:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("choices belong to the kind choice, and it needs some")
        return self


class Manifest(_Part):
    """One provider."""

    id: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: str
    gives: tuple[SeriesKind, ...] = Field(min_length=1)
    documentation: str = Field(pattern=r"^https://")
    endpoints: Mapping[str, str] = Field(default_factory=dict)
    auth: Auth
    fetch: Fetch
    settings: tuple[Setting, ...] = ()


def parse_manifest(text: str) -> Manifest:
    """Read a manifest. Raises ManifestError."""
    try:
        return Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"not TOML: {error}") from None
    except ValidationError as error:
        raise ManifestError("; ".join(map(_fault, error.errors()))) from None


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a provider's folder, whose name has to be its id. Raises ManifestError."""
    path = folder / "manifest.toml"
    try:
        manifest = parse_manifest(path.read_text(encoding="utf-8"))
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
