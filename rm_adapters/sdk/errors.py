"""What may go wrong between an adapter and its vendor.

    AdapterError
    ├── Transient     worth another try after a while: a timeout, an overloaded cloud, a spent budget
    ├── AuthGone      the owner has to link the account again; nothing helps until then
    ├── Offline       the vendor is there, the device is not
    └── Stale         the vendor answers with a reading that is too old to be used

An adapter raises nothing else on purpose. None of these says whether a write that was under way had its effect: that
only a reading tells.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class AdapterError(Exception):
    """Base of all that an adapter raises."""


class Transient(AdapterError):
    """Try again; not before `retry_after`, where the vendor has said so."""

    def __init__(self, text: str = "", *, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class AuthGone(AdapterError):
    """The permission is gone, and a person has to give it again."""


class Offline(AdapterError):
    """The device cannot be reached by its own cloud."""


class Stale(AdapterError):
    """The newest reading that the vendor has was made at `observed_at`."""

    def __init__(self, observed_at: datetime) -> None:
        super().__init__(f"observed at {observed_at:%Y-%m-%dT%H:%M:%S%z}")
        self.observed_at = observed_at
