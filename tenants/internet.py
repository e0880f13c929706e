"""Which addresses are of the public Internet. Pure.

The hub stands inside a network that its tenants must not reach through it: other services of the cluster, the cloud's
metadata. Whoever connects to an address that a tenant told us asks here first.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# Reaches IPv4 through a translator in our own network (RFC 6052).
_TRANSLATED = IPv6Network("64:ff9b::/96")
# All that is given out for the Internet lies in the first (RFC 4291, 2.4), and nothing of it in the second (RFC 6890).
# Python goes by lists of exceptions, and those of its older releases let more through.
_GIVEN_OUT = IPv6Network("2000::/3")
_PROTOCOLS_ONLY = IPv4Network("192.0.0.0/24")

Address = IPv4Address | IPv6Address


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
