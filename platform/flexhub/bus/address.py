"""How Redis is reached, as the text of REDIS_URL says it.

    redis://user:password@host:6379/0                        one server; rediss:// for TLS
    redis+sentinel://user:password@host:26379,host/name/0    the master that these Sentinels call `name`
    redis+cluster://user:password@host:6379,host:6379        the Cluster that these nodes belong to

`rediss+sentinel` and `rediss+cluster` talk TLS to the servers. What follows a question mark are redis-py's options for
the servers (`?ssl_ca_certs=/ca.pem`); with Sentinels, `sentinel_username` and `sentinel_password` are those of the
Sentinels. The Sentinel form is the one of Redis-Sentinel-Url and RedisVL, and its sibling follows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

Kind = Literal["server", "sentinel", "cluster"]

SENTINEL_PORT = 26379
SERVER_PORT = 6379

_KINDS: dict[str, Kind] = {
    "redis": "server",
    "rediss": "server",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_SENTINEL_FORM = "redis+sentinel://host:26379,host:26379/name-of-the-master/0"
_CLUSTER_FORM = "redis+cluster://host:6379,host:6379"
_FORMS = f"redis://host:6379/0, rediss://host:6379/0, {_SENTINEL_FORM} or {_CLUSTER_FORM}"


class AddressError(ValueError):
    """The text is no address of Redis. The message says what would be one, and holds nothing of the text."""


class Node(NamedTuple):
    """Where one server or Sentinel listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Address:
    """`nodes` are Sentinels or members of the Cluster, none for one server; its `url` is one of redis-py."""

    kind: Kind
    url: str = field(repr=False)
    nodes: tuple[Node, ...] = ()
    master: str = ""

    def url_of(self, node: Node) -> str:
        """redis-py's URL of one server, with the password, the database and the options of the whole."""
        parts = urlsplit(self.url)
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if not _is_of_sentinels(name)])
        scheme = parts.scheme.partition("+")[0]
        return SplitResult(scheme, f"{login}{node}", f"/{self.database}", query, "").geturl()

    @property
    def database(self) -> int:
        path = urlsplit(self.url).path.strip("/")
        return int(path.rpartition("/")[2] or 0) if self.kind == "sentinel" and "/" in path else 0

    @property
    def sentinel_login(self) -> dict[str, str]:
        """`username` and `password` for the Sentinels themselves, where they want any."""
        query = parse_qsl(urlsplit(self.url).query)
        return {name.removeprefix("sentinel_"): value for name, value in query if _is_of_sentinels(name)}


def parse_address(url: str) -> Address:
    """Raises AddressError."""
    try:
        parts = urlsplit(url)
        kind = _KINDS[parts.scheme]
    except (KeyError, ValueError):
        raise AddressError(f"it must be {_FORMS}") from None
    address = Address(kind, url)
    nodes = _nodes(parts, SENTINEL_PORT if kind == "sentinel" else SERVER_PORT)
    if kind == "server":
        if len(nodes) > 1:
            raise AddressError(f"several servers are {_SENTINEL_FORM} or {_CLUSTER_FORM}")
        return address
    if kind == "cluster":
        if parts.path.strip("/") not in ("", "0"):
            raise AddressError(f"a Cluster has no numbered databases: {_CLUSTER_FORM}")
        return replace(address, nodes=nodes)
    name, _, database = parts.path.strip("/").partition("/")
    if not name or not (database or "0").isdecimal():
        raise AddressError(f"Sentinels are asked for a master by its name: {_SENTINEL_FORM}")
    return replace(address, nodes=nodes, master=unquote(name))


def _nodes(parts: SplitResult, default_port: int) -> tuple[Node, ...]:
    texts = parts.netloc.rpartition("@")[2].split(",")
    try:
        # Each is split as the only one of a URL of its own, which knows about brackets and ports.
        split = [urlsplit(f"//{text.strip()}") for text in texts]
        return tuple(Node(_host(each), each.port or default_port) for each in split)
    except ValueError:
        raise AddressError(
            f"each server is host:port, with commas between: {_SENTINEL_FORM}, {_CLUSTER_FORM}"
        ) from None


def _host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise ValueError
    return parts.hostname


def _is_of_sentinels(name: str) -> bool:
    return name in ("sentinel_username", "sentinel_password")
