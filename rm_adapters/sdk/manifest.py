"""`manifest.toml`: what an adapter says of itself without being imported.

The framework lists vendors, plans quotas, limits hosts and redacts logs by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from flexhub.manifest import BaseManifest, Duration, Name, Part


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


class Auth(Part):
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


class Budget(Part):
    """At most `limit` calls in a window. All budgets have to allow a call."""

    name: Name
    limit: int = Field(gt=0)
    window: Duration
    kind: Literal["sliding", "fixed_on_first", "fixed_utc_midnight"] = "sliding"
    per: Literal["account", "device"] = "account"
    reserve_for_writes: float = Field(default=0.0, ge=0.0, lt=1.0)


class ErrorRule(Part):
    """What an answer with one of these statuses and with these values in its body means; the first match counts."""

    status: int | tuple[int, ...] | None = None
    body: Mapping[str, str | int | tuple[str, ...]] = Field(default_factory=dict)
    means: ErrorClass
    until: str | None = None


class Poll(Part):
    """How often to read, and how long a reading holds good after it was observed."""

    normal: Duration
    during_instruction: Duration
    valid_for: Duration
    measure_every: Duration = timedelta(minutes=5)


class Write(Part):
    """What the framework has to know of writes.

    `settle`: a reading this soon after a write may still show the state before. `confirm_within`: after that the
    effect does not come any more. `keep`: how long the device goes on with what it was told after its session is gone.
    """

    min_interval: Duration = timedelta()
    max_a_day: int | None = Field(default=None, gt=0)
    settle: Duration = timedelta()
    confirm_within: Duration
    non_volatile: bool = False
    keep: Duration = timedelta()


class Manifest(BaseManifest):
    """One vendor."""

    device_kinds: tuple[Name, ...] = Field(min_length=1)
    control_types: tuple[Control, ...] = ()
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
