"""Puts reasons into sentences of a language. Pure: data, a time zone and a language in, text out.

A language is a table of sentences with places for figures, in a file of its own; which sentence says a reason is
decided here, once for all. Reasons are stored as data (`cem_service.domain.reason`), so that each reader has them in a
language of his own, and the words can become better without what is stored becoming wrong.
"""

from cem_service.phrases.language import Language
from cem_service.phrases.languages import DEFAULT, LANGUAGES, language_of
from cem_service.phrases.telling import sentence

__all__ = ["DEFAULT", "LANGUAGES", "Language", "language_of", "sentence"]
