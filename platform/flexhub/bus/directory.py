"""Who sits where: what a gateway says about a session when it claims the seat, and what others read.

A link may have a peer at either end, and so two seats. What Redis holds of a session is therefore known by an *end id*:
that of a session with the RM is the link's own, that of a session with the CEM is derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from flexhub.bus.snapshot import is_released, moment_of

# Fixed for ever: a process of another release must find the same seat.
_CEM_ENDS = UUID("5b0c7d0e-6a0e-5d53-9d0a-2f1c5c0a7e41")


def end_id(link_id: UUID, role: str) -> UUID:
    """What the session with one end of a link is known by; `role` is that of the peer there, RM or CEM."""
    return uuid5(_CEM_ENDS, str(link_id)) if role == "CEM" else link_id


@dataclass(frozen=True, slots=True)
class SeatAddress:
    """Where a session can be reached, and the fencing token that tells it from the ones before and after it."""

    end_id: UUID
    process: str
    token: int


@dataclass(frozen=True, slots=True)
class SeatInfo:
    """A session as its gateway process knows it.

    `link_id` is an end id. `since` is the hub's time at which the socket was accepted.
    """

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
    """A living seat as read from the directory. `profile` and `control_type` are None until they are settled.

    `released_at`: see `Snapshot`.
    """

    info: SeatInfo
    process: str
    token: int
    profile: str | None = None
    control_type: str | None = None
    released_at: datetime | None = None

    @property
    def is_released(self) -> bool:
        return is_released(self.control_type, self.released_at)


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
    fields: Mapping[str, str], profile: str | None = None, control_type: str | None = None, released: str | None = None
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
    return SeatRecord(info, fields["process"], int(fields["token"]), profile, control_type, moment_of(released))
