"""Makes the session for a peer: one of ours, or our end of a relay."""

from __future__ import annotations

from uuid import uuid4

from flexhub.clock import Clock
from flexhub.gateway import limits
from flexhub.gateway.relay import ABSENCE_S, ANSWER_TIMEOUT_S, PATIENCE_S, RelayEnd
from flexhub.pairing.services import NodeIdentity
from s2.messages import EnergyManagementRole
from s2.session import Session


def new_id() -> str:
    return str(uuid4())


class SessionMaker:
    """Knows how long sessions wait for what, in hub time."""

    def __init__(self, clock: Clock, *, ack_timeout_s: float) -> None:
        self._ack_timeout = clock.duration_of(ack_timeout_s)
        self._handshake_timeout = clock.duration_of(limits.HANDSHAKE_TIMEOUT_S)
        self._retry_delays = tuple(clock.duration_of(delay_s) for delay_s in limits.RETRY_DELAYS_S)
        self._answer_timeout = clock.duration_of(ANSWER_TIMEOUT_S)
        self._absence = clock.duration_of(ABSENCE_S)
        self._patience = clock.duration_of(PATIENCE_S)

    def make(self, identity: NodeIdentity) -> Session | RelayEnd:
        return self._relay_end(identity) if identity.is_relayed else self._session(identity)

    def _session(self, identity: NodeIdentity) -> Session:
        """Whoever the peer is, we are the other one."""
        peer_is_rm = identity.role == EnergyManagementRole.RM
        return Session(
            EnergyManagementRole.CEM if peer_is_rm else EnergyManagementRole.RM,
            new_id=new_id,
            ack_timeout=self._ack_timeout,
            handshake_timeout=self._handshake_timeout,
            retry_delays=self._retry_delays,
            strictness=identity.strictness,
        )

    def _relay_end(self, identity: NodeIdentity) -> RelayEnd:
        return RelayEnd(
            EnergyManagementRole(identity.role),
            new_id=new_id,
            ack_timeout=self._ack_timeout,
            handshake_timeout=self._handshake_timeout,
            answer_timeout=self._answer_timeout,
            absence=self._absence,
            patience=self._patience,
            strictness=identity.strictness,
        )
