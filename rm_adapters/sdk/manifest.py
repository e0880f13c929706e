"""`manifest.toml`: what an adapter says of itself without being imported.

The framework lists vendors, plans quotas, limits hosts and redacts logs by it. Durations are written as in ISO 8601
(PT15M); a key that is not known here is an error, because it is mostly a misspelt one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

_DURATION = re.compile(r"P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class ManifestError(ValueError):
    """The manifest cannot be used; the text names each field that is wrong, and what would be right."""


class Control(StrEnum):
    """The control types by their short names."""

    PEBC = "PEBC"
    PPBC = "PPBC"
    OMBC = "OMBC"
    FRBC = "FRBC"
    DDBC = "DDBC"


class ErrorClass(StrEnum):
    """What an answer of the vendor means, and so which exception the framework makes of it."""

    AUTH = "auth"
    QUOTA = "quota"
    OFFLINE = "offline"
    TRANSIENT = "transient"
    UNSUPPORTED = "unsupported"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _read_duration(cls, value: object, info: Any) -> object:
        """Durations are text; a bare number would leave its unit open."""
        if cls.model_fields[info.field_name].annotation is not timedelta or isinstance(value, timedelta):
            return value
        if not (isinstance(value, str) and _DURATION.fullmatch(value)):
            raise ValueError("should be an ISO 8601 duration such as PT15M")
        return value


class Auth(_Part):
    """How an owner links an account. The paths are relative to the endpoint "auth"."""

    kind: Literal["none", "api_key", "login", "oauth2_code", "oauth2_client", "oauth2_device"]
    authorize: str | None = None
    token: str | None = None
    pkce: Literal["S256", "plain"] | None = None
    scopes: tuple[str, ...] = ()
    refresh_rotates: bool = True  # The careful assumption: keep the new token before the old one is used up.

    @model_validator(mode="after")
    def _has_paths(self) -> Auth:
        if self.kind == "oauth2_code" and not (self.authorize and self.token):
            raise ValueError("oauth2_code needs authorize and token")
        return self


class Budget(_Part):
    """At most `limit` calls in a window. All budgets have to allow a call."""

    name: Name
    limit: int = Field(gt=0)
    window: timedelta
    kind: Literal["sliding", "fixed_on_first", "fixed_utc_midnight"] = "sliding"
    per: Literal["account", "device"] = "account"
    reserve_for_writes: float = Field(default=0.0, ge=0.0, lt=1.0)


class ErrorRule(_Part):
    """What an answer with one of these statuses and with these values in its body means; the first match counts."""

    status: int | tuple[int, ...] | None = None
    body: Mapping[str, str | int | tuple[str, ...]] = Field(default_factory=dict)
    means: ErrorClass
    until: str | None = None


class Poll(_Part):
    """How often to read, and how long a reading holds good after it was observed."""

    normal: timedelta
    during_instruction: timedelta
    valid_for: timedelta
    measure_every: timedelta = timedelta(minutes=5)


class Write(_Part):
    """What the framework has to know of writes.

    `settle`: a reading this soon after a write may still show the state before. `confirm_within`: after that the
    effect does not come any more. `keep`: how long the device goes on with what it was told after its session is gone.
    """

    min_interval: timedelta = timedelta()
    max_a_day: int | None = Field(default=None, gt=0)
    settle: timedelta = timedelta()
    confirm_within: timedelta
    non_volatile: bool = False
    keep: timedelta = timedelta()


class Manifest(_Part):
    """One vendor."""

    id: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: str
    device_kinds: tuple[Name, ...] = Field(min_length=1)
    control_types: tuple[Control, ...] = ()
    endpoints: Mapping[str, str] = Field(default_factory=dict)
    auth: Auth
    budget: tuple[Budget, ...] = ()
    errors: tuple[ErrorRule, ...] = ()
    poll: Poll
    write: Write | None = None
    push: Literal["none", "sse", "websocket", "webhook"] = "none"
    redact: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _can_be_controlled(self) -> Manifest:
        if self.control_types and self.write is None:
            raise ValueError("control_types need a [write] table")
        return self


def parse_manifest(text: str) -> Manifest:
    """Read a manifest. Raises ManifestError."""
    try:
        return Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"not TOML: {error}") from None
    except ValidationError as error:
        raise ManifestError("; ".join(map(_fault, error.errors()))) from None


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a vendor's folder, whose name has to be its id. Raises ManifestError."""
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
