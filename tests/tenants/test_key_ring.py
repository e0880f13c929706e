from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pytest_django import Settings

from tenants import key_ring
from tenants.envelope import BoxNotOpened, derived_key, read_box
from tenants.key_ring import KeysUnreadable

OLD, NEW = ("".ljust(43, letter) + "=" for letter in "AI")


def id_of(entry: str) -> str:
    return derived_key(base64.urlsafe_b64decode(entry), "wraps data keys").id


def test_the_first_wraps_and_any_opens(settings: Settings) -> None:
    settings.SECRETS_KEYS = [OLD]
    wrapped = read_box(key_ring.newest_key().seal(b"data key"))
    settings.SECRETS_KEYS = [NEW, OLD]

    assert key_ring.newest_key().id == id_of(NEW)
    assert key_ring.key_of(wrapped).open(wrapped) == b"data key"
    assert key_ring.known_ids() == [id_of(NEW), id_of(OLD)]

    settings.SECRETS_KEYS = [NEW]
    with pytest.raises(BoxNotOpened, match="SECRETS_KEYS"):
        key_ring.key_of(wrapped)


def test_a_file_is_read_again_each_time(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    settings.SECRETS_KEYS, settings.SECRETS_KEYS_FILE = [OLD], str(file)
    file.write_text(f"{OLD}\n")
    assert key_ring.newest_key().id == id_of(OLD)

    file.write_text(f"{NEW},{OLD}\n")

    assert key_ring.newest_key().id == id_of(NEW)


@pytest.mark.parametrize("content", [None, "", "not a key"])
def test_nothing_is_wrapped_while_the_file_cannot_be_read(
    content: str | None, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECRETS_KEYS, settings.SECRETS_KEYS_FILE = [OLD], str(tmp_path / "keys")
    wrapped = read_box(derived_key(base64.urlsafe_b64decode(OLD), "wraps data keys").seal(b"data key"))
    if content is not None:
        (tmp_path / "keys").write_text(content)

    with pytest.raises(KeysUnreadable) as caught:
        key_ring.newest_key()

    assert caught.value.__cause__ is None
    assert key_ring.key_of(wrapped).open(wrapped) == b"data key"
    assert "going on with the keys" in caplog.text
