"""PostgreSQL on a Unix socket, without TCP."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil
import psycopg

from flexhub.embedded.binaries import Binaries
from flexhub.embedded.errors import EmbeddedError, ServiceNotStarted
from flexhub.embedded.server import Answer, Server, Setting, bare_environment

ADMIN_ROLE = "postgres"
_INITDB_TIMEOUT_S = 120
# libpq rounds anything below up to two seconds.
_CONNECT_TIMEOUT_S = 2

# For one small machine that runs everything else as well.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    # Parallel queries need shared memory that containers are short of, and gain nothing on two cores.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A statement that waits for good must not hold a migration or a planner for good.
    "idle_in_transaction_session_timeout": "300s",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Server):
    name: ClassVar[str] = "PostgreSQL"
    # Fast shutdown: transactions are rolled back and the log is closed. Immediate: as after a crash.
    stop_steps: ClassVar[tuple[tuple[signal.Signals, float], ...]] = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 1.5))

    def __init__(self, setting: Setting, binaries: Binaries, password: str) -> None:
        super().__init__(setting, binaries.postgres)
        self._initdb = binaries.initdb
        self._password = password

    @property
    def url(self) -> str:
        return self.url_for(ADMIN_ROLE, self._password, "postgres")

    @property
    def mark(self) -> str:
        return str(self.setting.places.postgres)

    def url_for(self, role: str, password: str, database: str) -> str:
        host = quote(str(self.setting.places.socket_folder), safe="")
        return f"postgresql://{role}:{quote(password, safe='')}@/{database}?host={host}"

    def ask(self) -> Answer:
        try:
            psycopg.connect(self.url, connect_timeout=_CONNECT_TIMEOUT_S).close()
        except psycopg.OperationalError as error:
            return self._judge(error)
        return Answer.READY

    def prepare(self) -> None:
        if not (self.setting.places.postgres / "PG_VERSION").exists():
            self._make_cluster()
        self._remove_stale_pid_file()

    def command(self) -> list[str]:
        settings = _SETTINGS | ({} if self.setting.durable else _NOT_DURABLE)
        settings["unix_socket_directories"] = str(self.setting.places.socket_folder)
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self.program), "-D", self.mark, *options]

    def _judge(self, error: psycopg.OperationalError) -> Answer:
        text = str(error)
        if "password authentication failed" in text:
            places = self.setting.places
            raise EmbeddedError(
                f"PostgreSQL in {places.postgres} has another password than {places.secrets}. "
                f"Bring the file back, or stop the server and remove {places.postgres} to begin anew."
            ) from error
        return Answer.STARTING if "starting up" in text or "recovery" in text else Answer.SILENT

    def _make_cluster(self) -> None:
        """Run initdb aside and rename, so that an interrupted one leaves nothing that looks complete."""
        account, target = self.setting.account, self.setting.places.postgres
        aside = target.with_name("postgres.new")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        password_file = target.with_name("initdb.password")
        password_file.unlink(missing_ok=True)
        with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self._password + "\n")
        account.own(password_file)
        try:
            self._run_initdb(aside, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        aside.rename(target)

    def _run_initdb(self, folder: Path, password_file: Path) -> None:
        account = self.setting.account
        argv = [str(self._initdb), "-D", str(folder), f"--username={ADMIN_ROLE}", f"--pwfile={password_file}"]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        argv += [] if self.setting.durable else ["--no-sync"]
        result = subprocess.run(  # noqa: S603 - Our own program and paths, no shell.
            argv,
            cwd=self.setting.places.data,
            env=dict(bare_environment()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_INITDB_TIMEOUT_S,
            user=None if account.is_ours else account.uid,
            group=None if account.is_ours else account.gid,
            extra_groups=None if account.is_ours else [],
        )
        if result.returncode != 0:
            raise ServiceNotStarted(f"initdb failed:\n{result.stderr.strip()[-2000:]}")

    def _remove_stale_pid_file(self) -> None:
        """No server of this folder runs when we come here, so the file is a leftover.

        PostgreSQL itself recovers from one unless its pid has passed to another program of the same user; then it
        would refuse to start.
        """
        path = self.setting.places.postgres / "postmaster.pid"
        try:
            first_line = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
        except FileNotFoundError:
            return
        other = int(first_line) if first_line.isdecimal() else None
        why = f"process {other} is another program" if other and psutil.pid_exists(other) else "its server is gone"
        self.setting.report(f"removing a stale postmaster.pid of PostgreSQL: {why}")
        path.unlink()
