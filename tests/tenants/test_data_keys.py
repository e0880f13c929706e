from __future__ import annotations

from threading import Event
from uuid import UUID

import pytest

from tenants import data_keys
from tenants.data_keys import key_for_new_texts, key_named, scope_of
from tenants.envelope import BoxNotOpened, read_box
from tenants.key_cache import KeyCache
from tests.support.registry import make_tenant
from tests.support.sealed import data_keys_of
from tests.support.threads import await_that, database_threads, somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> KeyCache:
    cache = KeyCache(limit=2)
    monkeypatch.setattr(data_keys, "_opened", cache)
    return cache


@pytest.fixture(params=["tenant", "platform"])
def owner(request: pytest.FixtureRequest) -> UUID | None:
    return make_tenant("Alder").pk if request.param == "tenant" else None


def test_two_who_make_the_first_key_at_once_end_with_one(owner: UUID | None) -> None:
    made, go_on = Event(), Event()

    def slowly() -> str:
        with scope_of(owner):
            key = key_for_new_texts(owner)
            made.set()
            go_on.wait(30)
            return key.id

    with database_threads(2) as start:
        first = start(slowly)
        assert made.wait(30)
        second = start(lambda: key_for_new_texts(owner).id)
        await_that(somebody_waits_for_a_lock)
        go_on.set()

    assert [row.pk.hex for row in data_keys_of(owner)] == [first.result()] == [second.result()]


def test_a_key_that_was_taken_back_is_made_again_and_was_never_at_hand(owner: UUID | None, cache: KeyCache) -> None:
    with pytest.raises(RuntimeError), scope_of(owner):  # noqa: PT012 - The block as a whole is under test.
        lost = key_for_new_texts(owner)
        raise RuntimeError

    assert data_keys_of(owner) == []
    assert len(cache) == 0
    assert key_for_new_texts(owner).id != lost.id


def test_an_opened_key_stays_at_hand(
    owner: UUID | None, cache: KeyCache, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    key = key_for_new_texts(owner)

    assert len(cache) == 1
    with django_assert_num_queries(0):  # type: ignore[operator] # The fixture is a function.
        assert key_named(key.id, owner) is cache.get(key.id)


def test_finds_a_key_that_is_not_at_hand(owner: UUID | None, cache: KeyCache) -> None:
    sealed = read_box(key_for_new_texts(owner).seal(b"geheim"))
    cache.clear()

    assert key_named(sealed.key_id, owner).open(sealed) == b"geheim"


def test_a_key_is_found_by_its_owner_alone(owner: UUID | None, cache: KeyCache) -> None:
    key = key_for_new_texts(owner)
    cache.clear()

    with pytest.raises(BoxNotOpened, match="another tenant's"):
        key_named(key.id, make_tenant("Birch").pk)
