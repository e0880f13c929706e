from __future__ import annotations

from typing import Any

import pytest

from cem_service.feeds.sdk import Manifest, SettingsRefused, check_settings
from flexhub.manifest import ManifestError

MANIFEST = """
id = "example"
version = "1.0.0"
title = "Example"
gives = ["grid_carbon"]
documentation = "https://example.com"

[auth]
kind = "none"

[fetch]
every = "PT30M"
valid_for = "PT6H"

[[settings]]
name = "latitude"
kind = "number"
low = -90
high = 90
digits = 2
required = true
help = "Degrees north."

[[settings]]
name = "model"
kind = "choice"
choices = ["coarse", "fine"]
default = "fine"
help = "Which model."

[[settings]]
name = "server"
kind = "url"
help = "Where."
"""


def _checked(said: dict[str, Any], *, local: bool = False) -> dict[str, Any]:
    return check_settings(Manifest.from_text(MANIFEST), said, local=local)


def test_settings_are_kept_with_their_defaults_and_as_exactly_as_is_needed() -> None:
    assert _checked({"latitude": 52.370216}) == {"latitude": 52.37, "model": "fine"}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "latitude: is needed. Degrees north."),
        ({"latitude": None}, "latitude: is needed. Degrees north."),
        ({"latitude": "52"}, "latitude: should be a number"),
        ({"latitude": True}, "latitude: should be a number"),
        ({"latitude": float("nan")}, "latitude: should be a number"),
        ({"latitude": 10**400}, "latitude: should be between -90 and 90"),
        ({"latitude": 91}, "latitude: should be between -90 and 90"),
        ({"latitude": 1, "model": "best"}, "model: should be one of coarse, fine"),
        ({"latitude": 1, "model": 3}, "model: should be text"),
        ({"latitude": 1, "colour": 3}, "colour: there is no such setting; there is latitude, model, server"),
        ({"latitude": 1, "server": "http://a.example"}, "server: should begin with https://"),
        ({"latitude": 1, "server": "https://me:secret@a.example"}, "server: should be a plain address"),
        ({"latitude": 1, "server": "https://a.example/?key=1"}, "server: should be a plain address"),
        ({"latitude": 1, "server": "https://[a"}, "server: is not a URL"),
        ({"latitude": 1, "vat_percent": 21}, "vat_percent: there is no such setting"),
    ],
)
def test_what_is_wrong_is_named(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsRefused) as caught:
        _checked(said)

    assert problem in str(caught.value)


def test_on_one_machine_a_server_may_do_without_tls() -> None:
    assert _checked({"latitude": 1, "server": "http://127.0.0.1:1"}, local=True)["server"] == "http://127.0.0.1:1"


def test_feeds_of_prices_have_what_stands_on_the_bill() -> None:
    manifest = Manifest.from_text(MANIFEST.replace("grid_carbon", "price"))

    kept = check_settings(manifest, {"latitude": 1, "vat_percent": 21, "surcharge_eur_per_kwh": 0.13}, local=False)

    assert (kept["vat_percent"], kept["surcharge_eur_per_kwh"]) == (21, 0.13)


class TestManifest:
    def test_durations_and_kinds_are_read(self) -> None:
        manifest: Manifest = Manifest.from_text(MANIFEST)

        assert manifest.fetch.every.total_seconds() == 1800
        assert manifest.fetch.ahead.days == 2
        assert not manifest.auth.needs_credential

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ("PT30M", "30", "fetch.every: should be an ISO 8601 duration such as PT15M"),
            ("grid_carbon", "gold", r"gives\[0\]: "),
            ('"none"', '"magic"', "auth.kind: "),
            ("choices =", "choice =", r"settings\[1\].*"),
            ("version", "versio", "version: Field required"),
            ('id = "example"', "id =", "not TOML"),
        ],
    )
    def test_what_is_wrong_is_named(self, old: str, new: str, problem: str) -> None:
        with pytest.raises(ManifestError, match=problem):
            Manifest.from_text(MANIFEST.replace(old, new))
