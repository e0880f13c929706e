from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError

from tenants.form_fields import StorableJSONField

TYPED = {
    "no JSON": "{",
    "NUL in a text": '{"a": ["x\\u0000"]}',
    "NUL in a name": '{"a": {"\\u0000": 1}}',
    "half a surrogate pair": '["\\ud800"]',
    "no number": '{"a": NaN}',
    "no end of a number": "[1e999]",
    "too many digits": "9" * 5_000,
    "too many brackets": "[" * 100_000,
}


class Form(forms.Form):
    document = StorableJSONField(required=False)


@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED.keys())
def test_what_cannot_be_stored_is_refused_and_shown_again(typed: str) -> None:
    form = Form({"document": typed})

    assert form.errors == {"document": ["Enter a valid JSON."]}
    assert form["document"].value() == typed
    assert form.as_p().encode()


@pytest.mark.parametrize(
    ("typed", "document"),
    [
        ("", None),
        ("null", None),
        ('{"a": [1, 2.5, "é", true]}', {"a": [1, 2.5, "é", True]}),
        ('"\\\\u0000"', "\\u0000"),
    ],
)
def test_everything_else_is_taken(typed: str, document: Any) -> None:
    assert StorableJSONField(required=False).clean(typed) == document


def test_an_empty_one_may_be_required() -> None:
    with pytest.raises(ValidationError):
        StorableJSONField().clean("")
