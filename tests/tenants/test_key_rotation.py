from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django import Settings

from flexhub.pairing.dialled import change_dialled_end
from flexhub.pairing.models import SEALED_TOKEN, DialledEnd
from tenants import key_ring
from tenants.key_rotation import GRACE, finish_rotations, replace_data_key, wrap_again
from tenants.scope import tenant_scope
from tenants.sealing_again import Tally
from tenants.secrets import SealedWithAnotherKeyError, seal
from tests.support.registry import Household, audited, make_household
from tests.support.sealed import data_keys_of, keep_token, sealed_text_of, store_text, token_of
from tests.support.threads import await_that, database_threads, somebody_waits_for_a_lock

NOW = timezone.now()
LATER = NOW + GRACE

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


class TestKeyEncryptionKey:
    def test_wraps_every_data_key_so_that_the_old_one_may_go(self, alder: Household, settings: Settings) -> None:
        rows = [keep_token(alder), keep_token(make_household("Birch"))]
        texts = [sealed_text_of(row) for row in rows]
        old, new = settings.SECRETS_KEYS, [Fernet.generate_key().decode()]
        settings.SECRETS_KEYS = [*new, *old]

        assert wrap_again() == Tally(sealed=2)
        assert wrap_again() == Tally()

        settings.SECRETS_KEYS = new
        assert [token_of(row) for row in rows] == ["geheim", "geheim"]
        assert [sealed_text_of(row) for row in rows] == texts
        entries = audited("tenants.datakey.wrapped_again")
        assert {entry["tenant_id"] for entry in entries} == {row.tenant_id for row in rows}
        assert {entry["after"]["wrapped_by"] for entry in entries} == {key_ring.newest_key().id}
        settings.SECRETS_KEYS = old
        with pytest.raises(SealedWithAnotherKeyError):
            token_of(rows[0])

    def test_counts_what_it_cannot_open_and_goes_on(self, alder: Household, settings: Settings) -> None:
        keep_token(alder)
        settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
        row = keep_token(make_household("Birch"))
        settings.SECRETS_KEYS = [Fernet.generate_key().decode(), *settings.SECRETS_KEYS]

        assert wrap_again() == Tally(sealed=1, unreadable=1)

        assert token_of(row) == "geheim"


class TestDataKey:
    def test_another_takes_its_place_and_it_is_dropped_when_nobody_can_need_it(self, alder: Household) -> None:
        row = keep_token(alder)
        (old,) = data_keys_of(alder.tenant.pk)

        replace_data_key(alder.tenant.pk, now=NOW)
        assert token_of(row) == "geheim"
        assert finish_rotations(now=LATER - timedelta(seconds=1)) == Tally(sealed=1)

        retired, new = data_keys_of(alder.tenant.pk)
        assert (retired.pk, retired.retired_at, new.retired_at) == (old.pk, NOW, None)
        assert sealed_text_of(row).startswith(f"1.{new.pk.hex}.")

        assert finish_rotations(now=LATER) == Tally()
        assert data_keys_of(alder.tenant.pk) == [new]
        assert token_of(row) == "geheim"
        for action, key in (("created", new), ("retired", old), ("dropped", old)):
            assert audited(f"tenants.datakey.{action}")[-1]["object_id"] == str(key.pk)

    def test_a_text_that_comes_back_is_sealed_again_before_its_key_is_dropped(self, alder: Household) -> None:
        row = keep_token(alder)
        before = sealed_text_of(row)
        replace_data_key(alder.tenant.pk, now=NOW)
        finish_rotations(now=NOW)
        store_text(row, before)  # Somebody has read the row before, and written it back whole.

        assert finish_rotations(now=LATER) == Tally(sealed=1)

        assert len(data_keys_of(alder.tenant.pk)) == 1
        assert token_of(row) == "geheim"

    def test_is_kept_for_what_cannot_be_opened(self, alder: Household) -> None:
        row = keep_token(alder)
        replace_data_key(alder.tenant.pk, now=NOW)
        damaged = sealed_text_of(row)[:-4] + "AAAA"
        store_text(row, damaged)

        assert finish_rotations(now=LATER) == Tally(unreadable=1)

        assert len(data_keys_of(alder.tenant.pk)) == 2
        assert sealed_text_of(row) == damaged

    def test_a_lost_one_is_replaced_so_that_secrets_can_be_entered_anew(
        self, alder: Household, settings: Settings
    ) -> None:
        row = keep_token(alder)
        settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(SealedWithAnotherKeyError):
            change_dialled_end(row, token="anew")

        replace_data_key(alder.tenant.pk, now=NOW)
        change_dialled_end(row, token="anew")

        assert token_of(row) == "anew"
        assert finish_rotations(now=LATER) == Tally()
        assert len(data_keys_of(alder.tenant.pk)) == 1

    def test_others_keep_theirs(self, alder: Household) -> None:
        row = keep_token(make_household("Birch"))
        before = sealed_text_of(row)

        replace_data_key(alder.tenant.pk, now=NOW)
        finish_rotations(now=LATER)

        assert data_keys_of(alder.tenant.pk) == []
        assert sealed_text_of(row) == before


@pytest.mark.django_db(transaction=True)
def test_waits_for_whoever_stores_a_secret_of_the_old_key(alder: Household) -> None:
    row = keep_token(alder)
    sealed, go_on = Event(), Event()

    def store_slowly() -> None:
        with tenant_scope(alder.tenant.pk):
            text = seal("newer", tenant_id=alder.tenant.pk, field=SEALED_TOKEN.name)
            sealed.set()
            go_on.wait(30)
            DialledEnd.objects.filter(pk=row.pk).update(sealed_token=text)

    with database_threads(2) as start:
        start(store_slowly)
        assert sealed.wait(30)
        start(lambda: replace_data_key(alder.tenant.pk, now=NOW))
        await_that(somebody_waits_for_a_lock)
        assert len(data_keys_of(alder.tenant.pk)) == 1
        go_on.set()

    assert finish_rotations(now=LATER) == Tally(sealed=1)
    assert token_of(row) == "newer"
    assert len(data_keys_of(alder.tenant.pk)) == 1


def await_more(done: list[str]) -> None:
    """Whoever fills the list has begun a round after now, and finished it. Two rounds of two: one may be under way."""
    enough = len(done) + 4
    await_that(lambda: len(done) >= enough)


@pytest.mark.django_db(transaction=True)
def test_nobody_fails_to_read_or_write_while_keys_change(alder: Household, settings: Settings) -> None:
    """Readers have nothing at hand, as after a restart: each look goes to the rows and the key-encryption key."""
    from tenants import data_keys

    rows = [keep_token(alder, "token-0"), keep_token(make_household("Birch"), "token-0")]
    over = Event()
    read: list[str] = []
    written: list[str] = []

    def reader() -> None:
        while not over.is_set():
            data_keys._opened.clear()
            read.extend(token_of(row) for row in rows)

    def writer() -> None:
        while not over.is_set():
            for row in rows:
                written.append(f"token-{len(written)}")
                change_dialled_end(row, token=written[-1])

    with database_threads(4) as start:
        for work in (reader, reader, writer):
            start(work)
        try:
            for _ in range(4):
                settings.SECRETS_KEYS = [Fernet.generate_key().decode(), *settings.SECRETS_KEYS[:1]]
                assert wrap_again().unreadable == 0
                settings.SECRETS_KEYS = settings.SECRETS_KEYS[:1]
                for row in rows:
                    replace_data_key(row.tenant_id, now=NOW)
                assert finish_rotations(now=NOW).unreadable == 0
                await_more(read)
                await_more(written)
        finally:
            over.set()

    finish_rotations(now=LATER)
    assert [token_of(row) for row in rows] == written[-2:]
    assert [len(data_keys_of(row.tenant_id)) for row in rows] == [1, 1]
    assert set(read) <= {"token-0", *written}
