"""The settings of a feed, judged by what its provider's manifest says of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cem_service.domain.feed import SeriesKind
from cem_service.feeds.sdk.manifest import Manifest, Setting

_PRICES = frozenset({SeriesKind.PRICE, SeriesKind.EXPORT_PRICE})
# What stands between the wholesale price and the one on the bill; every feed of prices has these.
PRICE_TERMS = (
    Setting(
        name="surcharge_eur_per_kwh",
        kind="number",
        low=-1000,
        high=1000,
        help="Added to each price before VAT: energy tax, the supplier's margin. Below zero for a fee on feeding in.",
    ),
    Setting(name="vat_percent", kind="number", low=0, high=100, help="Added to price and surcharge."),
)
_URL_CHARACTERS = re.compile(r"[!-~]{1,500}")


class SettingsRefused(ValueError):
    """`problems` says of each setting by its name what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


def settings_of(manifest: Manifest) -> tuple[Setting, ...]:
    """All that can be said of a feed of this provider."""
    return manifest.settings + (PRICE_TERMS if _PRICES.intersection(manifest.gives) else ())


def check_settings(manifest: Manifest, said: Mapping[str, Any], *, local: bool) -> dict[str, Any]:
    """The settings as they are stored, with the defaults of what was not said. Raises SettingsRefused.

    `local` allows a URL of any address, also without TLS.
    """
    known = {setting.name: setting for setting in settings_of(manifest)}
    problems = {
        name: f"there is no such setting; there is {', '.join(known) or 'none'}" for name in said.keys() - known
    }
    kept: dict[str, Any] = {}
    for name, setting in known.items():
        value = said.get(name, setting.default)
        if value is None or value == "":
            if setting.required:
                problems[name] = f"is needed. {setting.help}"
            continue
        try:
            kept[name] = _judged(setting, value, local)
        except ValueError as error:
            problems[name] = str(error)
    if problems:
        raise SettingsRefused(problems)
    return kept


def _judged(setting: Setting, value: Any, local: bool) -> str | float:
    """Raises ValueError that says what would be right."""
    if setting.kind == "number":
        return _number(setting, value)
    if not isinstance(value, str):
        raise ValueError("should be text")
    if setting.kind == "choice" and value not in setting.choices:
        raise ValueError(f"should be one of {', '.join(setting.choices)}")
    if setting.kind == "text" and not re.fullmatch(setting.pattern, value):
        raise ValueError(f"should look like this: {setting.pattern}")
    if setting.kind == "url":
        _check_url(value, local)
    return value


def _number(setting: Setting, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # NaN equals nothing.
        raise ValueError("should be a number")
    if not setting.low <= value <= setting.high:
        raise ValueError(f"should be between {setting.low:g} and {setting.high:g}")
    return round(float(value), setting.digits)


def _check_url(url: str, local: bool) -> None:
    """As far as the text tells; which address its name leads to is judged at each fetch."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # Judged when it is read.
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise ValueError("should begin with https://")
    if not _URL_CHARACTERS.fullmatch(url) or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("should be a plain address: a host and a path, neither a name nor a password nor a query")
