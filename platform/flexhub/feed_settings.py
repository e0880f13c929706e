"""Where the providers of feeds are, as the environment says."""

from __future__ import annotations

from flexhub.env import Env


def feed_endpoints(env: Env) -> dict[str, dict[str, str]]:
    """From FEED_ENDPOINTS, by provider and endpoint. Raises EnvironmentVariableError."""
    wanted = "a list such as entsoe.api=https://mirror.example/api,open_meteo.api=https://weather.example"
    return env.parsed("FEED_ENDPOINTS", _endpoints, wanted, "")


def _endpoints(text: str) -> dict[str, dict[str, str]]:
    """Raises ValueError."""
    found: dict[str, dict[str, str]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, equals, url = entry.partition("=")
        provider, dot, endpoint = name.partition(".")
        if not (equals and dot and endpoint and url.startswith(("https://", "http://"))):
            raise ValueError
        found.setdefault(provider, {})[endpoint] = url
    return found
