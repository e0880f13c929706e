"""The address that a request comes from, behind as many proxies as the operator says. Pure.

Anybody can send an X-Forwarded-For. What can be believed of it is what our own proxies appended, each the address of
whoever spoke to it; so it is read from its end, and no further than to the first who is not ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_PROXIES = 10


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Either how many proxies every request comes through, or the networks in which ours are."""

    number: int = 0
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> TrustedProxies:
        """From `2` or `10.0.0.0/8, fd00::/8`. Raises ValueError."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if len(words) == 1 and words[0].isdecimal():
            number = int(words[0])
            if number > MOST_PROXIES:
                raise ValueError(f"more than {MOST_PROXIES} proxies")
            return cls(number=number)
        return cls(networks=tuple(ip_network(word) for word in words))

    def is_ours(self, place: int, address: Address | None) -> bool:
        """Whether this is a proxy of ours; `place` counts from the one that is connected to us."""
        if self.number:
            return place < self.number
        return address is not None and any(address in network for network in self.networks)


def client_address(peer: str, forwarded_for: str, trusted: TrustedProxies) -> str | None:
    """The client's address in its usual form; None where it cannot be told, as behind a socket of the file system.

    `peer` is the other end of the connection. A number is right only where no request can go round the proxies. An
    entry that is no address ends the search: the proxy that wrote it down is the last of which we know anything.
    """
    entries = forwarded_for.rsplit(",", MOST_PROXIES)[-MOST_PROXIES:]
    address = _parsed(peer)
    for place, entry in enumerate(reversed(entries)):
        before = _parsed(entry)
        if before is None or not trusted.is_ours(place, address):
            break
        address = before
    return None if address is None else str(address)


def _parsed(text: str) -> Address | None:
    """An address, which some proxies write with its port, and IPv6 perhaps in brackets."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        # The zone of a link-local address means something on its own machine only.
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
