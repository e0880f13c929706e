"""A key for caches of what is worked out for a resource: two are equal where they stand for the very same object."""

from __future__ import annotations

from cem_service.domain.frbc import FRBCResource


class Same:
    """Resources are rebuilt from each snapshot and never changed, so what was worked out for one stays true."""

    __slots__ = ("one",)

    def __init__(self, one: FRBCResource) -> None:
        self.one = one

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.one is self.one

    def __hash__(self) -> int:
        return id(self.one)
