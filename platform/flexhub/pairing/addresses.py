"""Where we may connect to when a tenant tells us an address. Pure.

The hub stands inside a network that its tenants must not reach through it: other services of the cluster, the cloud's
metadata. So an address has to be one of the public Internet, unless the operator says that ours is the network in
which the peers are. Names are judged by what they resolve to, each time that we connect.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from tenants.internet import Address, is_public

MAX_URL_CHARACTERS = 500
# What may stand in the request line and in a header: printable ASCII without blanks.
_PRINTABLE = re.compile(r"[!-~]+")


class AddressRefused(ValueError):
    """We do not connect to this; the text says why, for people."""


def check_url(url: str, *, plain: bool, private: bool) -> None:
    """Whether we may dial `url`, as far as the text tells. Raises AddressRefused.

    `plain` allows ws:// beside wss://, `private` addresses that are not of the public Internet.
    """
    if len(url) > MAX_URL_CHARACTERS or not _PRINTABLE.fullmatch(url):
        raise AddressRefused(f"a URL has at most {MAX_URL_CHARACTERS} characters, and neither blanks nor accents")
    parts = _split(url)
    if parts.scheme != "wss" and not (plain and parts.scheme == "ws"):
        raise AddressRefused("a URL begins with wss://")
    if not parts.hostname or parts.fragment:
        raise AddressRefused("a URL has a host, and no part behind a #")
    if "@" in parts.netloc:
        raise AddressRefused("a URL holds no name and no password; the token has a field of its own")
    literal = _literal(parts.hostname)
    if not private and (parts.hostname == "localhost" or (literal is not None and not is_public(literal))):
        raise AddressRefused(f"{parts.hostname} is not an address of the public Internet")


def is_elsewhere(url: str, other: str) -> bool:
    """Whether two addresses are of different servers, and so what one of them may know is no business of the other."""
    return urlsplit(url)[:2] != urlsplit(other)[:2]


def is_token(text: str) -> bool:
    """Whether this can be sent as a bearer token."""
    return len(text) <= 4096 and _PRINTABLE.fullmatch(text) is not None


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # Judged when it is read.
    except ValueError:
        raise AddressRefused("this is not a URL") from None
    return parts


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
