"""What the event loop asks the database about links that no peer opens: in a thread, and with a timeout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from flexhub.gateway.database import DatabaseThread, DatabaseUnavailable
from flexhub.gateway.limits import REGISTRY_TIMEOUT_S
from flexhub.pairing import outgoing
from flexhub.pairing.outgoing import Dialling, Outcome, OutgoingLink
from flexhub.pairing.services import NodeIdentity
from tenants.secrets import SealedWithAnotherKeyError

Answer = TypeVar("Answer")


class RegistryUnavailable(Exception):
    """The database did not answer."""


class TokenUnreadable(Exception):
    """A dialled end's token is sealed with a key that we do not have."""


class Registry(Protocol):
    """Every method may raise RegistryUnavailable."""

    async def links(self) -> list[OutgoingLink]:
        """All links that no peer opens."""
        ...

    async def house(self, link: OutgoingLink) -> tuple[NodeIdentity, NodeIdentity] | None:
        """Who is at the two ends, the RM first; None where it is no house link any more."""
        ...

    async def dialling(self, link: OutgoingLink) -> Dialling | None:
        """What it takes to connect; None where that has changed since we looked. Raises TokenUnreadable."""
        ...

    async def note(self, outcomes: Sequence[Outcome]) -> None:
        """Store how attempts went."""
        ...

    def close(self) -> None: ...


class DatabaseRegistry:
    """Implements `Registry` over the pairing service."""

    def __init__(self) -> None:
        self._database = DatabaseThread("gateway-registry", timeout_s=REGISTRY_TIMEOUT_S)

    async def links(self) -> list[OutgoingLink]:
        return await self._ask(outgoing.outgoing_links)

    async def house(self, link: OutgoingLink) -> tuple[NodeIdentity, NodeIdentity] | None:
        link_id: UUID = link.link_id
        return await self._ask(lambda: outgoing.house_identities(link_id))

    async def dialling(self, link: OutgoingLink) -> Dialling | None:
        dialled_id = link.dialled_id
        if dialled_id is None:
            return None
        try:
            return await self._ask(lambda: outgoing.dialling(dialled_id, link.revision))
        except SealedWithAnotherKeyError as error:
            raise TokenUnreadable(str(error)) from error

    async def note(self, outcomes: Sequence[Outcome]) -> None:
        await self._ask(lambda: outgoing.note_outcomes(outcomes))

    def close(self) -> None:
        self._database.close()

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        try:
            return await self._database.ask(question)
        except DatabaseUnavailable as error:
            raise RegistryUnavailable(str(error)) from error
