"""The languages that there are. One more is a file with its table, and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from cem_service.phrases.dutch import DUTCH
from cem_service.phrases.english import ENGLISH
from cem_service.phrases.language import Language

DEFAULT = ENGLISH
LANGUAGES: Mapping[str, Language] = {language.code: language for language in (ENGLISH, DUTCH)}


def language_of(code: str) -> Language:
    """By its code, such as nl or nl-BE; English for any that we do not speak."""
    return LANGUAGES.get(code.lower().partition("-")[0], DEFAULT)
