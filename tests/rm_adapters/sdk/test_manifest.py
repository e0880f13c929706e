from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flexhub.manifest import ManifestError
from rm_adapters.sdk import Manifest
from rm_adapters.sdk.manifest import Control, ErrorClass

WHOLE = """
id = "acme"
version = "1.0.0"
title = "Acme heating"
device_kinds = ["dhw", "heat_pump"]
control_types = ["FRBC", "DDBC"]
redact = ["serial"]
endpoints = { api = "https://api.acme.example", auth = "https://login.acme.example" }

[auth]
kind = "oauth2_code"
authorize = "/authorize"
token = "/token"
pkce = "S256"
scopes = ["user", "offline_access"]

[[budget]]
name = "burst"
limit = 120
window = "PT10M"
kind = "fixed_on_first"

[[budget]]
name = "day"
limit = 1450
window = "P1D"
reserve_for_writes = 0.2

[[errors]]
status = 429
body = { errorType = "RATE_LIMIT_EXCEEDED" }
means = "quota"
until = "epoch_ms:extendedPayload.limitReset"

[[errors]]
status = [500, 502]
means = "transient"

[poll]
normal = "PT2M"
during_instruction = "PT1M"
valid_for = "PT15M"

[write]
min_interval = "PT1M"
confirm_within = "PT6M"
max_a_day = 60
non_volatile = true
"""


def test_reads_all_of_it() -> None:
    manifest = Manifest.from_text(WHOLE)

    assert manifest.control_types == (Control.FRBC, Control.DDBC)
    assert manifest.budget[1].window == timedelta(days=1)
    assert manifest.errors[0].means is ErrorClass.QUOTA
    assert manifest.errors[1].status == (500, 502)
    assert manifest.write is not None
    assert manifest.write.confirm_within == timedelta(minutes=6)
    assert manifest.poll.measure_every == timedelta(minutes=5)
    with pytest.raises(ValueError, match="frozen"):
        manifest.title = "another"  # type: ignore[misc] # That it cannot be set is what is tested.


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ('normal = "PT2M"', "normal = 120", "poll.normal: should be an ISO 8601 duration such as PT15M"),
        ('normal = "PT2M"', 'normal = "2 minutes"', "poll.normal: should be an ISO 8601 duration such as PT15M"),
        ('window = "P1D"', 'window = "P"', "budget[1].window: should be an ISO 8601 duration such as PT15M"),
        ('"FRBC", "DDBC"', '"FRBC", "DBDC"', "control_types[1]: Input should be 'PEBC'"),
        ("limit = 120", "limit = 0", "budget[0].limit: Input should be greater than 0"),
        ('redact = ["serial"]', 'redakt = ["serial"]', "redakt: Extra inputs are not permitted"),
        ('id = "acme"', 'id = "Acme Inc."', "id: String should match pattern"),
        ('token = "/token"', "", "auth: oauth2_code needs authorize and token"),
        ('means = "quota"', 'means = "later"', "errors[0].means: Input should be 'auth'"),
        ('confirm_within = "PT6M"', "", "write.confirm_within: Field required"),
    ],
)
def test_names_the_field_that_is_wrong(before: str, after: str, text: str) -> None:
    with pytest.raises(ManifestError) as raised:
        Manifest.from_text(WHOLE.replace(before, after, 1))

    assert text in str(raised.value)


def test_names_every_field_that_is_wrong() -> None:
    broken = WHOLE.replace("limit = 120", "limit = 0").replace('title = "Acme heating"', "title = 3")

    with pytest.raises(ManifestError, match=r"title: .*; budget\[0\]\.limit: "):
        Manifest.from_text(broken)


def test_what_can_be_controlled_has_to_say_how_it_is_written() -> None:
    with pytest.raises(ManifestError, match=r"control_types need a \[write\] table"):
        Manifest.from_text(WHOLE[: WHOLE.index("[write]")])


def test_says_so_when_it_is_no_toml() -> None:
    with pytest.raises(ManifestError, match="not TOML"):
        Manifest.from_text("id: acme")


def test_belongs_to_the_folder_of_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    with pytest.raises(ManifestError, match=r"manifest\.toml: No such file"):
        Manifest.from_folder(folder)

    (folder / "manifest.toml").write_text(WHOLE)
    assert Manifest.from_folder(folder).id == "acme"

    with pytest.raises(ManifestError, match="id: should be other"):
        Manifest.from_folder(folder.rename(tmp_path / "other"))
