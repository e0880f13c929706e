"""The file that describes a home."""

from pathlib import Path

import pytest

from flexhub.demo.config import ConfigError, HomeConfig
from tests.support.demo_home import home_config


def write(folder: Path, config: HomeConfig) -> Path:
    path = folder / "home.json"
    path.write_text(config.model_dump_json(), encoding="utf-8")
    return path


def test_reads_what_was_written(tmp_path: Path) -> None:
    config = home_config()

    assert HomeConfig.read(write(tmp_path, config)) == config


def test_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "home.json"
    path.write_text("{}", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"home\.json: .*ws_url"):
        HomeConfig.read(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        HomeConfig.read(tmp_path / "nowhere.json")


def test_a_clock_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="never"):
        HomeConfig.read(write(tmp_path, home_config(clock="never")))


def test_two_devices_of_a_kind_are_an_error(tmp_path: Path) -> None:
    config = home_config()
    twice = config.model_copy(update={"devices": (*config.devices, config.devices[0])})

    with pytest.raises(ConfigError, match="at most one device of each kind"):
        HomeConfig.read(write(tmp_path, twice))


def test_a_token_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "home.json"
    path.write_text(home_config().model_dump_json().replace('"kind":"PV"', '"kind":"?"'), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        HomeConfig.read(path)

    assert "secret" not in str(caught.value)
    assert "secret" not in repr(home_config())
