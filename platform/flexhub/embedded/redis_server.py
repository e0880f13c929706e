"""Redis on loopback with a password.

TCP, because Celery's broker URL for a Unix socket (`redis+socket://`) is not what redis-py reads (`unix://`), and one
URL should serve both. The port is chosen once and kept, so that clients find a restarted server again.
"""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path
from typing import ClassVar

import redis

from flexhub.embedded.binaries import Binaries
from flexhub.embedded.server import Answer, Server, Setting

_ANSWER_TIMEOUT_S = 2.0
_PORT_LINE = re.compile(r"^port (\d+)$", re.MULTILINE)

# Queues must survive a restart, hence the append-only file, and must never be evicted.
_TEMPLATE = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
daemonize no
databases 64
save ""
appendonly yes
appendfsync {fsync}
maxmemory-policy noeviction
set-proc-title no
loglevel notice
"""


class RedisServer(Server):
    name: ClassVar[str] = "Redis"
    # SIGTERM is SHUTDOWN: the append-only file is synced.
    stop_steps: ClassVar[tuple[tuple[signal.Signals, float], ...]] = ((signal.SIGTERM, 6.0),)

    def __init__(self, setting: Setting, binaries: Binaries, password: str) -> None:
        super().__init__(setting, binaries.redis_server)
        self._password = password

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port()}/0"

    @property
    def mark(self) -> str:
        return str(self._configuration)

    def ask(self) -> Answer:
        client = redis.Redis.from_url(
            self.url, socket_timeout=_ANSWER_TIMEOUT_S, socket_connect_timeout=_ANSWER_TIMEOUT_S, retry=None
        )
        try:
            client.ping()
        except redis.BusyLoadingError:
            return Answer.STARTING
        except redis.RedisError:
            return Answer.SILENT
        finally:
            client.close()
        return Answer.READY

    def prepare(self) -> None:
        folder = self.setting.account.make_folder(self.setting.places.redis)
        port = self._port()
        if not _is_free(port):
            if port:
                self.setting.report(f"port {port} of Redis has been taken by another program; choosing a new one")
            port = _free_port()
        text = _TEMPLATE.format(
            port=port,
            password=self._password,
            folder=folder,
            fsync="everysec" if self.setting.durable else "no",
        )
        self._configuration.unlink(missing_ok=True)
        with os.fdopen(os.open(self._configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self.setting.account.own(self._configuration)

    def command(self) -> list[str]:
        return [str(self.program), self.mark]

    @property
    def _configuration(self) -> Path:
        return self.setting.places.redis / "redis.conf"

    def _port(self) -> int:
        """The port of the last start, 0 before the first."""
        try:
            found = _PORT_LINE.search(self._configuration.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return 0
        return int(found[1]) if found else 0


def _is_free(port: int) -> bool:
    if port == 0:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
