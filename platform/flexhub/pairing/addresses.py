"""Where we may connect to when a tenant tells us an address. Pure.

The hub stands inside a network that its tenants must not reach through it: other services of the cluster, the cloud's
metadata. So an address has to be one of the public Internet, unless the operator says that ours is the network in
which the peers are. Names are judged by what they resolve to, each time that we connect.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

MAX_URL_CHARACTERS = 500
# What may stand in the request line and in a header: printable ASCII without blanks.
_PRINTABLE = re.compile(r"[!-~]+")
# Reaches IPv4 through a translator in our own network (RFC 6052).
_TRANSLATED = IPv6Network("64:ff9b::/96")
# All that is given out for the Internet lies in the first (RFC 4291, 2.4), and nothing of it in the second (RFC 6890).
# Python goes by lists of exceptions, and those of its older releases let more through.
_GIVEN_OUT = IPv6Network("2000::/3")
_PROTOCOLS_ONLY = IPv4Network("192.0.0.0/24")

Address = IPv4Address | IPv6Address


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


def is_token(text: str) -> bool:
    """Whether this can be sent as a bearer token."""
    return len(text) <= 4096 and _PRINTABLE.fullmatch(text) is not None


def is_public(address: Address) -> bool:
    """Whether this is an address of the public Internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return is_public(inner)
        if address not in _GIVEN_OUT:
            return False
    elif address in _PROTOCOLS_ONLY:
        return False
    return address.is_global and not address.is_multicast


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one leads to: mapped, 6to4, Teredo or translated."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


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
