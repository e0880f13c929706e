"""What Django's reports of errors show: the page that a developer sees under DEBUG, and whatever else is made of it."""

from __future__ import annotations

import re
from collections.abc import ItemsView
from functools import lru_cache
from types import FrameType
from typing import Any

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from flexhub.observability.masking import MASK, Masker


class ErrorReporter(ExceptionReporter):
    """What an error says, and the lines of code around it, pass by the filter; so the whole is masked once more."""

    def get_traceback_data(self) -> dict[str, Any]:
        data: dict[str, Any] = super().get_traceback_data()
        # Queries of the address, which Django takes for harmless.
        queries = [(name, _masker().value(name, value)) for name, value in data.get("request_GET_items", ())]
        return data | {"request_GET_items": queries}

    def get_traceback_html(self) -> SafeString:
        return mark_safe(_masker().text(super().get_traceback_html()))  # noqa: S308 - Asterisks are safe.

    def get_traceback_text(self) -> SafeString:
        return mark_safe(_masker().text(super().get_traceback_text()))  # noqa: S308 - As above.


class ErrorReportFilter(SafeExceptionReporterFilter):
    """Masks as the logs do, also under DEBUG: a page of an error is copied into tickets.

    Django goes by the names of settings alone, so it shows the password in a REDIS_URL; and it shows local variables
    and forms whole as long as nobody has marked what is secret in them.
    """

    cleansed_substitute = MASK
    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|COOKIE|CREDENTIAL|SESSION_KEY", re.IGNORECASE
    )

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return _masker().text(cleansed) if isinstance(cleansed, str) else cleansed

    def get_post_parameters(self, request: HttpRequest | None) -> QueryDict | dict[str, Any]:
        if request is None:
            return {}
        form = request.POST.copy()
        for name, values in form.lists():
            form.setlist(name, [str(_masker().value(name, value)) for value in values])
        return form

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        """As text: an object that is shown by its `repr` could hold anything."""
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return {name: _Shown(_masker().value(name, _repr_of(value))) for name, value in variables}.items()


class _Shown:
    """Looks on the page like the value that it stands for."""

    def __init__(self, text: object) -> None:
        self._text = str(text)

    def __repr__(self) -> str:
        return self._text


def _repr_of(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - Whatever an object does; the report must come about.
        return f"({type(error).__name__} while it was shown)"


@lru_cache(maxsize=1)
def _masker() -> Masker:
    # `LOGGING` belongs to us: its form is that of `logs.Config`.
    return Masker(settings.LOGGING.get("secrets", ()))
