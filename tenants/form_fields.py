"""Form fields that refuse what the database would refuse, so that a person gets an answer beside the field."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput


class StorableJSONField(forms.JSONField):
    """JSON as PostgreSQL keeps it.

    Python's parser also takes NaN and half of a surrogate pair, and JSON itself a NUL, none of which can be stored. It
    gives up on numbers of thousands of digits and on thousands of brackets with errors that Django's field lets pass.
    """

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError."""
        try:
            document = super().to_python(value)
            _check(document)
        except (ValueError, RecursionError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        return document

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What is wrong comes back as it was typed."""
        try:
            self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


def _check(value: Any) -> None:
    """Raises ValueError for what cannot be stored."""
    match value:
        case str():
            if b"\0" in value.encode():
                raise ValueError
        case float():
            if not math.isfinite(value):
                raise ValueError
        case list():
            for each in value:
                _check(each)
        case dict():
            for name, each in value.items():
                _check(name)
                _check(each)
