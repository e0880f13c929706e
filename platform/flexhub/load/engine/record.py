"""What a hub acknowledged OK, written down for a comparison with what it has.

A line for each message of the mix: node, message type, message id and, where it states one, the time that it is about.

    5b0c...  PowerMeasurement  1f2e3d4c-1-7  2026-04-21T12:00:00.123456+00:00
    5b0c...  FRBC.StorageStatus  1f2e3d4c-1-8  -

Processes of one run append to the same file, each with whole lines in one write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from s2.messages import Message, PowerMeasurement

#: Each process adds this line when it has heard its last answer, while its sessions are still open.
HEARD_OUT = "heard out"
_UNTIMED = "-"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """`at` is the time of a measurement."""

    node: UUID
    message_type: str
    message_id: str
    at: datetime | None


class Record:
    """Appends to a file. Raises OSError where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lines: list[str] = []

    def add(self, node: UUID, message: Message) -> None:
        at = message.measurement_timestamp.isoformat() if isinstance(message, PowerMeasurement) else _UNTIMED
        self._lines.append(f"{node}\t{message.message_type}\t{getattr(message, 'message_id', '')}\t{at}\n")

    def heard_out(self) -> None:
        self._lines.append(f"{HEARD_OUT}\n")
        self.flush()

    def flush(self) -> None:
        if self._lines:
            data, self._lines = "".join(self._lines).encode(), []
            while data:
                data = data[os.write(self._file, data) :]

    def close(self) -> None:
        self.flush()
        os.close(self._file)


def read_record(path: Path) -> Iterator[Acknowledged]:
    """What was written until now. Raises OSError, and ValueError for a line that is none of ours."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip() == HEARD_OUT:
                continue
            node, message_type, message_id, at = line.rstrip("\n").split("\t")
            time = None if at == _UNTIMED else datetime.fromisoformat(at)
            yield Acknowledged(UUID(node), message_type, message_id, time)
