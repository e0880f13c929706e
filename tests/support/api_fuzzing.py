"""schemathesis makes calls from the OpenAPI document, with what each kind of caller may have in hand.

Its plug-in for pytest is switched off, since every run would load it for few tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = 12
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Derandomised: a run that fails can be repeated, and none takes longer than another.
FUZZING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Call = Case[Any]
Operation = APIOperation[Any, Any, Any, Any]


@contextmanager
def application() -> Iterator[WSGIHandler]:
    """The hub, on the test's own connection: as with Django's test client, no request closes it."""
    around = (request_started, request_finished)
    for signal in around:
        signal.disconnect(close_old_connections)
    yield WSGIHandler()
    for signal in around:
        signal.connect(close_old_connections)


@dataclass(frozen=True, slots=True)
class Fuzzer:
    """Calls the operations below `prefix`. `tokens` are those of who tries; `owned` are the parameters of an address
    that name what is Alder's.
    """

    schema: Any
    prefix: str
    tokens: Mapping[str, str | None]
    owned: Mapping[str, str]

    @classmethod
    def of(cls, handler: WSGIHandler, prefix: str, tokens: Mapping[str, str | None], **owned: str) -> Fuzzer:
        return cls(schemathesis.openapi.from_wsgi("/api/schema/", handler), prefix, tokens, owned)

    def operations(self) -> list[Operation]:
        """All that the document has there, so that a new one is covered."""
        found = [each.ok() for each in self.schema.get_all_operations()]
        return [each for each in found if each.path.startswith(self.prefix)]

    def anything(self, operation: Operation, who: str) -> list[Any]:
        """The answers to calls with all that the document allows, and with much that it does not."""
        answers = self._fuzz(operation, who, GenerationMode.POSITIVE)
        if "{" in operation.path:
            answers += self._fuzz(operation, who, GenerationMode.NEGATIVE)
        return answers

    def about_alders(self, operation: Operation, who: str, *, wrong: bool = False) -> list[Any]:
        """The answers to calls about what is Alder's, where there is room for it; `wrong`: with bodies that are."""
        names = {name: value for name, value in self.owned.items() if f"{{{name}}}" in operation.path}
        mode = GenerationMode.NEGATIVE if wrong else GenerationMode.POSITIVE
        return self._fuzz(operation, who, mode, path_parameters=names) if names else []

    def _fuzz(self, operation: Operation, who: str, mode: GenerationMode, **fixed: Any) -> list[Any]:
        token = self.tokens[who]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answers = []

        @FUZZING
        @given(case=operation.as_strategy(mode, **fixed))
        def call(case: Call) -> None:
            answers.append(case.call_and_validate(headers=headers, checks=CHECKS))

        call()
        return answers
