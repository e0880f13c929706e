"""Redis servers of a test's own, from the same program as the one that all tests share: a Cluster, and Sentinels."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import redis

from flexhub.bus.slots import SLOTS, slot_of
from flexhub.embedded import processes
from flexhub.embedded.account import Account
from flexhub.embedded.binaries import find_binaries
from flexhub.embedded.server import bare_environment

PASSWORD = "known to tests@only"  # With what a URL has to quote.
WITHIN_S = 60.0
_QUOTED = quote(PASSWORD, safe="")
_LINES_TOLD = 40


@dataclass(frozen=True, slots=True)
class RunningServer:
    port: int
    process: psutil.Process
    log: Path
    client: redis.Redis = field(repr=False)

    def ask(self, *command: str | int) -> Any:
        """The reply as Redis gives it."""
        return self.client.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py's.

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def story(self) -> str:
        """What it knows of the others, and the end of its log."""
        try:
            nodes = _nodes(self)
        except redis.RedisError as error:
            nodes = repr(error)
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_TOLD:]
        return "\n".join([f"--- Redis at {self.port}", nodes, *lines])

    def end(self) -> None:
        self.client.close()
        processes.end(self.process, [(signal.SIGKILL, 5.0)])


@dataclass(frozen=True, slots=True)
class RedisCluster:
    """`seed_url` is what redis-py's own client for a Cluster takes."""

    servers: tuple[RunningServer, ...]
    url: str
    seed_url: str

    def empty(self) -> None:
        for server in self.servers:
            server.client.flushall()
            server.client.script_flush()

    def holder(self, key: str) -> RunningServer:
        """The server that has the slot of `key` now."""
        port = self.holder_in(self.servers[0], slot_of(key))
        return next(server for server in self.servers if server.port == port)

    def holder_in(self, view: RunningServer, slot: int) -> int:
        """The port of the server that has the slot, as that one sees it."""
        ranges = view.ask("CLUSTER", "SLOTS")
        return next(int(port) for first, last, (_, port, *_), *_ in ranges if first <= slot <= last)


@dataclass(frozen=True, slots=True)
class GuardedRedis:
    """A master and a replica that one Sentinel watches, enough of them to change places."""

    servers: tuple[RunningServer, RunningServer]
    sentinel: RunningServer
    url: str

    @property
    def master(self) -> RunningServer:
        """Whom the Sentinel names."""
        _, port = self.sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "hub")
        return next(server for server in self.servers if server.port == int(port))

    def replicated(self) -> None:
        """Wait until the replica has what the master has."""
        _wait(lambda: len({server.client.info("replication")["master_repl_offset"] for server in self.servers}) == 1)

    def fail_over(self) -> None:
        """End the master, and wait until the Sentinel names the replica."""
        old = self.master
        old.end()
        _wait(lambda: self.master is not old)

    def watch(self, master: RunningServer) -> None:
        """Have the Sentinel know another master by the same name."""
        self.sentinel.ask("SENTINEL", "REMOVE", "hub")
        self.sentinel.ask("SENTINEL", "MONITOR", "hub", "127.0.0.1", master.port, 1)
        self.sentinel.ask("SENTINEL", "SET", "hub", "auth-pass", PASSWORD)


@contextmanager
def running_cluster(*, node_timeout_ms: int = 15_000) -> Iterator[RedisCluster]:
    """Three servers that have a third of the slots each."""
    lines = f"cluster-enabled yes\ncluster-node-timeout {node_timeout_ms}"
    with _folder() as folder, _running([_start(folder, lines) for _ in range(3)]) as servers:
        _join(servers)
        nodes = [f":{_QUOTED}@127.0.0.1:{server.port}" for server in servers]
        url = f"redis+cluster://{nodes[0]},127.0.0.1:{servers[1].port}"
        yield RedisCluster(tuple(servers), url, f"redis://{nodes[2]}")


@contextmanager
def running_replica(cluster: RedisCluster, master: RunningServer) -> Iterator[RunningServer]:
    """Another member of the Cluster, which takes over when `master` is gone."""
    lines = "cluster-enabled yes\ncluster-node-timeout 1000\ncluster-replica-validity-factor 0"
    with _folder() as folder, _running([_start(folder, lines)]) as (replica,):
        replica.client.cluster("MEET", "127.0.0.1", master.port)
        master_id = _id(master)
        _wait(lambda: master_id in _nodes(replica))
        replica.client.cluster("REPLICATE", master_id)
        _wait(lambda: replica.client.info("replication").get("master_link_status") == "up")
        # It can ask for the votes of those only that it knows itself, and hears of them from the master.
        members = (*cluster.servers, replica)
        _wait(lambda: all(_knows(each, len(members)) and "slave" in _nodes(each) for each in members))
        yield replica


@contextmanager
def _running(servers: list[RunningServer]) -> Iterator[list[RunningServer]]:
    """End them at last. When something failed meanwhile, they say what they know of it."""
    try:
        yield servers
    except BaseException as error:
        for server in servers:
            error.add_note(server.story())
        raise
    finally:
        for server in servers:
            server.end()


@contextmanager
def running_sentinel() -> Iterator[GuardedRedis]:
    with _folder() as folder:
        master = _start(folder, "")
        replica = _start(folder, f"replicaof 127.0.0.1 {master.port}")
        sentinel = _start(
            folder,
            f"sentinel monitor hub 127.0.0.1 {master.port} 1\nsentinel auth-pass hub {PASSWORD!r}\n"
            "sentinel down-after-milliseconds hub 500\nsentinel failover-timeout hub 3000\n",
            program=("--sentinel",),
        )
        try:
            _wait(lambda: replica.client.info("replication")["master_link_status"] == "up")
            _wait(lambda: len(sentinel.ask("SENTINEL", "REPLICAS", "hub")) == 1)
            url = f"redis+sentinel://:{_QUOTED}@127.0.0.1:{sentinel.port}/hub/3?sentinel_password={_QUOTED}"
            yield GuardedRedis((master, replica), sentinel, url)
        finally:
            for server in (sentinel, master, replica):
                server.end()


def move_slot(slot: int, source: RunningServer, target: RunningServer) -> None:
    """Tell both that the slot is on its way; its keys stay where they are. Ended by `finish_move`."""
    target.client.cluster("SETSLOT", slot, "IMPORTING", _id(source))
    source.client.cluster("SETSLOT", slot, "MIGRATING", _id(target))


def finish_move(cluster: RedisCluster, slot: int, source: RunningServer, target: RunningServer) -> None:
    """Carry the keys over, and tell everybody."""
    keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1000)
    if keys:
        source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "AUTH", PASSWORD, "KEYS", *keys)
    _give(slot, target, (target, source, *cluster.servers))
    _wait(lambda: _is_settled(cluster, slot, target))


def _give(slot: int, owner: RunningServer, told: Iterable[RunningServer]) -> None:
    for server in told:
        server.client.cluster("SETSLOT", slot, "NODE", _id(owner))


def _is_settled(cluster: RedisCluster, slot: int, owner: RunningServer) -> bool:
    """Whether all know the owner, and the same epoch, so that no older news makes one of them forget it.

    What was on its way among them when the slot was given may say otherwise; those who believed it are told again.
    """
    astray = [server for server in cluster.servers if cluster.holder_in(server, slot) != owner.port]
    _give(slot, owner, astray)
    epochs = {_epoch(server) for server in cluster.servers}
    return not astray and len(epochs) == 1


def _epoch(server: RunningServer) -> str:
    lines = str(server.ask("CLUSTER", "INFO")).split()
    return next(line for line in lines if line.startswith("cluster_current_epoch:"))


def _knows(server: RunningServer, size: int) -> bool:
    """Whether it has met as many, itself among them; who is still being met may be forgotten again."""
    nodes = _nodes(server)
    return len(nodes.splitlines()) == size and "handshake" not in nodes


def _nodes(server: RunningServer) -> str:
    """A line for each that it knows."""
    return str(server.ask("CLUSTER", "NODES"))


def _id(server: RunningServer) -> str:
    return str(server.client.cluster("MYID"))


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="flexhub-redis-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, lines: str, *, program: tuple[str, ...] = ()) -> RunningServer:
    port = _free_port()
    home = folder / str(port)
    home.mkdir()
    configuration = home / "redis.conf"
    configuration.write_text(
        f'bind 127.0.0.1\nport {port}\ndir {home}\nsave ""\nrequirepass {PASSWORD!r}\n'
        + ("" if program else f"masterauth {PASSWORD!r}\n")
        + lines,
        encoding="utf-8",
    )
    account = Account(os.geteuid(), os.getegid(), "")
    server = find_binaries(account, folder, lambda _: None).redis_server
    process = processes.spawn(
        [str(server), str(configuration), *program],
        account,
        home,
        home / "log",
        tether_signal=signal.SIGKILL,
        environment=bare_environment(),
    )
    client = redis.Redis(
        host="127.0.0.1", port=port, password=PASSWORD, socket_timeout=10, decode_responses=True, protocol=2
    )
    _wait(lambda: _answers(client))
    return RunningServer(port, process, home / "log", client)


def _answers(client: redis.Redis) -> bool:
    with suppress(redis.ConnectionError):
        return bool(client.ping())
    return False


def _join(servers: list[RunningServer]) -> None:
    share = -(-SLOTS // len(servers))
    for place, server in enumerate(servers):
        server.client.cluster("SET-CONFIG-EPOCH", place + 1)
        server.client.cluster("ADDSLOTS", *range(place * share, min((place + 1) * share, SLOTS)))
    for server in servers[1:]:
        servers[0].client.cluster("MEET", "127.0.0.1", server.port)
    _wait(lambda: all(_is_whole(server, len(servers)) for server in servers))


def _is_whole(server: RunningServer, size: int) -> bool:
    info = str(server.ask("CLUSTER", "INFO"))
    return "cluster_state:ok" in info and f"cluster_known_nodes:{size}" in info


def _wait(condition: Callable[[], bool]) -> None:
    if not processes.wait_until(condition, WITHIN_S):
        raise TimeoutError


def _free_port() -> int:
    """The members of a Cluster also listen 10,000 above; neither may be one that the system gives to others."""
    while True:
        port = 11_000 + secrets.randbelow(10_000)
        with suppress(OSError), socket.socket() as probe, socket.socket() as other:
            probe.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            return port
