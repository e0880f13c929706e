"""`manifest.toml`: what a feed says of itself without being imported.

The framework lists providers, judges settings and plans fetches by it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from cem_service.domain.feed import SeriesKind
from flexhub.manifest import BaseManifest, Duration, Name, Part


class Auth(Part):
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


class Fetch(Part):
    """How often to ask, for which stretch around now, and for how long an answer is of use."""

    every: Duration
    valid_for: Duration
    back: Duration = timedelta(hours=1)
    ahead: Duration = timedelta(days=2)


class Setting(Part):
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


class Manifest(BaseManifest):
    """One provider."""

    gives: tuple[SeriesKind, ...] = Field(min_length=1)
    documentation: str = Field(pattern=r"^https://")
    auth: Auth
    fetch: Fetch
    settings: tuple[Setting, ...] = ()
