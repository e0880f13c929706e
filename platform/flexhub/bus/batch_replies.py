"""What Redis answered to a written batch, brought into its result: each reads on where the one before stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast
from uuid import UUID

from flexhub.bus import scripts
from flexhub.bus.batch import Batch, BatchResult, Forward
from flexhub.bus.envelope import PublishResult
from flexhub.bus.line import Reply


def sort_forwards(parcels: Mapping[str, Sequence[Forward]], replies: Iterator[Reply], result: BatchResult) -> None:
    for forwards in parcels.values():
        taken = cast(int, next(replies))
        reason = PublishResult.NO_SEAT if taken == scripts.NO_INBOX else PublishResult.FULL
        result.undelivered += [(forward, reason) for forward in forwards[max(taken, 0) :]]


def sort_links(batch: Batch, replies: Iterator[Reply], result: BatchResult) -> None:
    for link_id in batch.links:
        reply = next(replies)
        if reply == scripts.WRITTEN:
            continue
        if reply == scripts.FENCED:
            result.fenced.add(link_id)
        elif reply == scripts.LOST:
            result.lost.add(link_id)
        else:
            result.overfull.add(link_id)


def sort_mail(ends: Sequence[UUID], replies: Iterator[Reply], result: BatchResult) -> None:
    for end_id in ends:
        reply = next(replies)
        if reply in (scripts.POSTED, scripts.POSTED_LAST):
            result.posted.add(end_id)
        if reply in (scripts.MAIL_FULL, scripts.POSTED_LAST):
            result.mail_full.add(end_id)


def refused(chunks: Sequence[Sequence[str]], replies: Iterator[Reply]) -> list[str]:
    return [row for rows in chunks if not next(replies) for row in rows]
