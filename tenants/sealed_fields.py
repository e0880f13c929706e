"""Where sealed texts are stored, so that a rotation forgets none of them.

Who owns such a column registers it beside its model; `secrets.seal` takes no field that is not registered.
"""

from __future__ import annotations

from dataclasses import dataclass


class UnknownSealedField(LookupError):
    """No field of this name is registered, so a rotation would lose what is sealed for it."""


@dataclass(frozen=True, slots=True)
class SealedField:
    """A text column, or with `key` one value of the JSON object in a column. Empty or missing: there is no secret.

    `name` is bound to each text. `model` reads like `pairing.DialledEnd`. `tenant` is the column that says whose key
    seals it; None: the platform's does.
    """

    name: str
    model: str
    column: str
    key: str | None = None
    tenant: str | None = "tenant_id"

    @property
    def lookup(self) -> str:
        """What Django's queries call it."""
        return self.column if self.key is None else f"{self.column}__{self.key}"


_fields: dict[str, SealedField] = {}


def register(field: SealedField) -> None:
    """Raises ValueError when another field has this name."""
    if _fields.setdefault(field.name, field) != field:
        raise ValueError(f"the name {field.name!r} belongs to another sealed field")


def registered() -> list[SealedField]:
    return list(_fields.values())


def named(name: str) -> SealedField:
    """Raises UnknownSealedField."""
    try:
        return _fields[name]
    except KeyError:
        raise UnknownSealedField(f"no sealed field is registered as {name!r}") from None
