"""What a batch and its like do to the store that the in-memory buses share; the lock is the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flexhub.bus.batch import BatchResult, LinkWrites
from flexhub.bus.mail import Letter, letter_from_fields
from flexhub.bus.memory_store import LinkState, MemoryStore, Rows
from flexhub.bus.ports import MAIL_BYTES, MAIL_LENGTH, SNAPSHOT_FIELDS_LIMIT
from flexhub.bus.streams import LogEntry, decode_findings


def fold(link: LinkState, link_id: UUID, writes: LinkWrites, result: BatchResult) -> None:
    for start in range(0, len(writes.log), 5):
        direction, at, text, status, findings = writes.log[start : start + 5]
        entry = LogEntry(
            "sent" if direction == "sent" else "received",
            datetime.fromisoformat(at),
            text,
            status or None,
            decode_findings(findings),
        )
        link.log.append(entry, len(text.encode()) + len(findings))
    if link.seat is None and link.fence <= writes.token:
        result.lost.add(link_id)
        return
    if link.seat is None or link.seat.token != writes.token:
        result.fenced.add(link_id)
        return
    for prefix in writes.prefixes:
        for name in [name for name in link.snapshot if name.startswith(prefix)]:
            del link.snapshot[name]
    for name, text_or_none in writes.fields.items():
        if text_or_none is None:
            link.snapshot.pop(name, None)
        elif name in link.snapshot or len(link.snapshot) < SNAPSHOT_FIELDS_LIMIT:
            link.snapshot[name] = text_or_none
        else:
            result.overfull.add(link_id)


def post(store: MemoryStore, end_id: UUID, token: int, mail: Sequence[str | int], result: BatchResult) -> None:
    link = store.link(end_id)
    if link.seat is None or link.seat.token != token:
        return
    parts = [mail[start : start + 4] for start in range(0, len(mail), 4)]
    fresh = [part for part in parts if int(part[0]) > link.posted]
    if (fresh or not parts) and _is_full(link.mail):
        result.mail_full.add(end_id)
        return
    for number, kind, at, payload in fresh:
        fields = {"token": str(token), "kind": str(kind), "at": str(at), "payload": str(payload)}
        link.mail.append(letter_from_fields(f"{next(store.numbers)}-0", fields))
        link.posted = int(number)
    result.posted.add(end_id)
    if _is_full(link.mail):
        result.mail_full.add(end_id)


def _is_full(mail: Sequence[Letter]) -> bool:
    return len(mail) >= MAIL_LENGTH or sum(len(letter.payload.encode()) for letter in mail) >= MAIL_BYTES


def append(store: MemoryStore, rows: Rows, lines: list[str]) -> bool:
    """Whether the stream is too full for these lines; then none of them went in."""
    held = sum(text.count("\n") + 1 for text in rows.entries.values()) if rows.entries else 0
    if lines and held + len(lines) > rows.limit:
        return True
    if lines:
        rows.entries[f"{next(store.numbers)}-0"] = "\n".join(lines)
    return False
