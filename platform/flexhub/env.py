"""Typed settings from the environment. A missing or bad value stops the process and names its variable."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

T = TypeVar("T")
Number = TypeVar("Number", int, float)


class EnvironmentVariableError(RuntimeError):
    """A variable is missing or holds something else than its type. The message names it, never its value."""


class Env:
    """Reads variables from a mapping. `NAME_FILE` may point to a file that holds the value, as secrets are mounted."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = os.environ if values is None else values

    def text(self, name: str, default: str | None = None, *, hint: str = "") -> str:
        value = self._read(name)
        if value is not None:
            return value
        if default is None:
            raise EnvironmentVariableError(f"{name} is not set. {hint}".strip())
        return default

    def integer(self, name: str, default: int | None = None, *, least: int, most: int) -> int:
        """Both limits are allowed."""
        return self._convert(name, default, between(least, most), f"a whole number from {least} to {most}")

    def boolean(self, name: str, default: bool | None = None) -> bool:
        return self._convert(name, default, _boolean, "one of 1, 0, true, false, yes, no")

    def parsed(self, name: str, convert: Callable[[str], T], wanted: str, default: str | None = None) -> T:
        """What `convert` makes of the text. It raises ValueError for a text that is not `wanted`."""
        return self._convert(name, None if default is None else convert(default), convert, wanted)

    def database(
        self, name: str, default: str | None = None, *, hint: str = "", options: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """A Django database entry from `postgresql://user:password@host:port/name` (or `?host=/socket/folder`).

        `options` are connection parameters of libpq and Django; what the address says outranks them. Without another
        word, a connection that is not made within 5 s is given up.
        """
        return _database(name, self.text(name, default, hint=hint), {"connect_timeout": "5"} | dict(options or {}))

    def _convert(self, name: str, default: T | None, convert: Callable[[str], T], wanted: str) -> T:
        value = self._read(name)
        if value is None:
            if default is None:
                raise EnvironmentVariableError(f"{name} is not set; it must be {wanted}.")
            return default
        try:
            return convert(value)
        except ValueError as error:
            raise EnvironmentVariableError(f"{name} must be {wanted}.") from error

    def _read(self, name: str) -> str | None:
        path = self._values.get(f"{name}_FILE")
        if path is None:
            return self._values.get(name) or None
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise EnvironmentVariableError(f"{name}_FILE names a file that cannot be read.") from error


def one_of(*choices: str) -> Callable[[str], str]:
    """A conversion for `Env.parsed` that lets these words pass, in any case."""

    def choose(text: str) -> str:
        word = text.strip().lower()
        if word not in choices:
            raise ValueError
        return word

    return choose


def secret_keys(text: str) -> list[str]:
    """A conversion for `Env.parsed`: comma-separated keys of 32 bytes each, in base64 of either alphabet, at least one.

    Returned in the URL-safe alphabet and padded, however they were written.
    """
    keys = [_secret_key(word) for word in _words(text)]
    if not keys:
        raise ValueError
    return keys


def _secret_key(word: str) -> str:
    padded = word.rstrip("=").translate(str.maketrans("+/", "-_"))
    padded += "=" * (-len(padded) % 4)
    try:
        key = base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError from None  # Its message might quote what was decoded.
    if len(key) != 32:
        raise ValueError
    return padded


_HOST = re.compile(r"\*|[^\s:/@\[\]]+|\[[0-9A-Fa-f:.]+\]")


def host_names(text: str) -> list[str]:
    """A conversion for `Env.parsed`: comma-separated hosts as requests name them, IPv6 in brackets, without a port."""
    names = _words(text)
    if not all(map(_HOST.fullmatch, names)):
        raise ValueError
    return names


def web_address(text: str) -> str:
    """A conversion for `Env.parsed`: http:// or https:// with a host and perhaps a port, without a slash at its end."""
    parts = urlsplit(text)
    _ = parts.port  # Judged when it is read.
    plain = text.partition("://")[2].removesuffix("/") == parts.netloc and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}"


def web_addresses(text: str) -> list[str]:
    """A conversion for `Env.parsed`: comma-separated ones, or none."""
    return [web_address(word) for word in _words(text)]


def _words(text: str) -> list[str]:
    """The parts of a comma-separated list that are not empty."""
    return [word.strip() for word in text.split(",") if word.strip()]


def between(least: Number, most: Number) -> Callable[[str], Number]:
    """A conversion for `Env.parsed` into a number of the same type as the limits, which are allowed."""

    def convert(text: str) -> Number:
        number = type(least)(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return convert


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError


def _database(name: str, url: str, defaults: Mapping[str, object]) -> dict[str, object]:
    try:
        parts = urlsplit(url)
        port, path = parts.port, parts.path.strip("/")
        if parts.scheme not in {"postgres", "postgresql"} or not path:
            raise ValueError  # As the library raises for an odd port, but its message would show the address.
    except ValueError:
        wanted = "postgresql://user:password@host:port/database"
        raise EnvironmentVariableError(f"{name} must look like {wanted}.") from None
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    options = dict(defaults) | {key: unquote(value) for key, value in query.items() if key != "host"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(path),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }
