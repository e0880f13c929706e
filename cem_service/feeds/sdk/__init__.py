"""What the folders of providers are written with."""

from cem_service.feeds.sdk.errors import AuthGone, Empty, FeedError, Malformed, Refused, Transient
from cem_service.feeds.sdk.http import Answer, Line
from cem_service.feeds.sdk.manifest import Manifest, Setting
from cem_service.feeds.sdk.provider import Provider
from cem_service.feeds.sdk.reading import Place
from cem_service.feeds.sdk.settings import SettingsRefused, check_settings, settings_of
from cem_service.feeds.sdk.values import Piece, Question, Series, repeated

__all__ = [
    "Answer",
    "AuthGone",
    "Empty",
    "FeedError",
    "Line",
    "Malformed",
    "Manifest",
    "Piece",
    "Place",
    "Provider",
    "Question",
    "Refused",
    "Series",
    "Setting",
    "SettingsRefused",
    "Transient",
    "check_settings",
    "repeated",
    "settings_of",
]
