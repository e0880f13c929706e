"""Who sits where: what a gateway says about a session when it claims the seat, and what others read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SeatInfo:
    """A session as its gateway process knows it. `since` is the hub's time at which the socket was accepted."""

    link_id: UUID
    tenant_id: UUID
    site_id: UUID
    node_id: UUID
    name: str
    since: datetime
    peer: str = ""  # The address that the socket came from, for the operator.
    # The constant head of this session's telemetry rows, made once because rows are made thousands of times a second.
    row_head: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "row_head", f"{self.tenant_id}\t{self.site_id}\t{self.link_id}\t")


@dataclass(frozen=True, slots=True)
class SeatRecord:
    """A living seat as read from the directory. `profile` and `control_type` are None until they are settled."""

    info: SeatInfo
    process: str
    token: int
    profile: str | None = None
    control_type: str | None = None


def seat_to_fields(info: SeatInfo) -> dict[str, str]:
    return {
        "link": str(info.link_id),
        "tenant": str(info.tenant_id),
        "site": str(info.site_id),
        "node": str(info.node_id),
        "name": info.name,
        "since": info.since.isoformat(),
        "peer": info.peer,
    }


def seat_from_fields(
    fields: Mapping[str, str], *, profile: str | None = None, control_type: str | None = None
) -> SeatRecord:
    """The inverse of `seat_to_fields`, with the process and token that the claim added. Raises KeyError, ValueError."""
    info = SeatInfo(
        link_id=UUID(fields["link"]),
        tenant_id=UUID(fields["tenant"]),
        site_id=UUID(fields["site"]),
        node_id=UUID(fields["node"]),
        name=fields["name"],
        since=datetime.fromisoformat(fields["since"]),
        peer=fields["peer"],
    )
    return SeatRecord(info, fields["process"], int(fields["token"]), profile, control_type)
