from __future__ import annotations

import os
from pathlib import Path

import pytest

from flexhub.embedded import EmbeddedError
from flexhub.embedded.account import Account, service_account
from flexhub.embedded.places import SOCKET_NAME, SOCKET_PATH_LIMIT, places_for, prepare, private_folder

OURSELVES = Account(os.geteuid(), os.getegid(), "ourselves")
STRANGER = Account(64999, 64999, "stranger")


def test_everything_lies_below_a_root_that_the_account_reaches(tmp_path: Path) -> None:
    places = places_for(tmp_path, OURSELVES)

    assert places.data == tmp_path / "services"
    assert places.socket_folder == tmp_path / "services" / "run"


def test_data_move_out_of_a_root_that_the_account_cannot_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    places = places_for(closed / "root", STRANGER)

    assert places.data == private_folder(closed / "root")
    assert places.secrets == closed / "root" / "secrets.json"


def test_the_socket_alone_moves_out_of_a_deep_root(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * SOCKET_PATH_LIMIT)

    places = places_for(deep, OURSELVES)

    assert places.data == deep / "services"
    assert places.socket_folder == private_folder(deep) / "run"
    assert len(str(places.socket_folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT


def test_two_roots_have_two_private_folders(tmp_path: Path) -> None:
    assert private_folder(tmp_path / "a") != private_folder(tmp_path / "b")
    assert private_folder(tmp_path / "a") == private_folder(tmp_path / "a")


def test_a_private_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "theirs"
    theirs.symlink_to(tmp_path)
    monkeypatch.setattr("flexhub.embedded.places.private_folder", lambda root: theirs)
    deep = tmp_path / ("d" * SOCKET_PATH_LIMIT)
    places = places_for(deep, OURSELVES)

    with pytest.raises(EmbeddedError, match="theirs belongs to somebody else"):
        prepare(places, OURSELVES, lambda _: None)


def test_remove_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / ("d" * SOCKET_PATH_LIMIT)
    places = places_for(root, OURSELVES)
    prepare(places, OURSELVES, lambda _: None)
    assert places.data.is_dir()
    assert places.socket_folder.is_dir()

    places.remove()

    assert not root.exists()
    assert not private_folder(root).exists()


def test_an_account_reaches_what_its_permission_bits_say(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    assert OURSELVES.reaches(folder)
    assert not STRANGER._may_enter(folder)

    folder.chmod(0o701)

    assert STRANGER._may_enter(folder)
    assert not Account(64999, folder.stat().st_gid, "of the group")._may_enter(folder)
    assert not Account(folder.stat().st_uid, 64999, "the owner")._may_enter(_with_mode(folder, 0o077))


def _with_mode(folder: Path, mode: int) -> Path:
    folder.chmod(mode)
    return folder


def test_servers_never_run_as_root() -> None:
    assert service_account().uid != 0
