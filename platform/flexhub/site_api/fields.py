"""Fields that take what they name and nothing that merely looks like it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

# 100 MW: above any site that is meant, and low enough for arithmetic and for the database.
LARGEST_W = 100_000_000


class MomentField(serializers.DateTimeField):
    """A moment with its offset from UTC; an hour that everybody reads differently is refused."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValidationError("Say how far it is from UTC, as in 2026-04-21T10:00:00Z.")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fail("overflow")


class NumberField(serializers.FloatField):
    """A number, and no text or truth value that could be read as one."""

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class PowerField(NumberField):
    """W, positive = consumption."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=-LARGEST_W, max_value=LARGEST_W, **options)


class LimitField(serializers.IntegerField):
    """W, without a sign: the name of the field says in which direction."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST_W, allow_null=True, required=False, default=None, **options)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)
