from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from flexhub.env import Env, EnvironmentVariableError, between, host_names, one_of, secret_keys, web_address


def test_reads_text_and_falls_back_to_the_default() -> None:
    env = Env({"GREETING": "hello", "EMPTY": ""})

    assert env.text("GREETING") == "hello"
    assert env.text("EMPTY", "nothing") == "nothing"
    assert env.text("ABSENT", "") == ""


def test_a_missing_variable_is_named_with_its_hint() -> None:
    with pytest.raises(EnvironmentVariableError, match=r"^REDIS_URL is not set\. Try redis://\.$"):
        Env({}).text("REDIS_URL", hint="Try redis://.")


def test_reads_whole_numbers() -> None:
    env = Env({"COUNT": "12"})

    assert env.integer("COUNT", least=1, most=12) == 12
    assert env.integer("ABSENT", 7, least=1, most=12) == 7


@pytest.mark.parametrize("text", ["twelve", "-1", "0", "13", "1.5"])
def test_a_whole_number_beyond_its_limits_is_refused(text: str) -> None:
    with pytest.raises(EnvironmentVariableError, match=r"^COUNT must be a whole number from 1 to 12\.$"):
        Env({"COUNT": text}).integer("COUNT", 7, least=1, most=12)


def test_reads_numbers_between_limits() -> None:
    env = Env({"SHARE": "0.5", "COUNT": "3", "TOO_MUCH": "4", "NONE": "nan", "BROKEN": "0.5"})

    assert env.parsed("SHARE", between(0.5, 2.0), "a share") == 0.5
    assert env.parsed("COUNT", between(1, 3), "a count") == 3
    assert env.parsed("ABSENT", between(1, 3), "a count", "2") == 2
    for name, conversion in (("TOO_MUCH", between(1, 3)), ("BROKEN", between(1, 3))):
        with pytest.raises(EnvironmentVariableError, match=rf"^{name} must be a count\.$"):
            env.parsed(name, conversion, "a count")
    with pytest.raises(EnvironmentVariableError, match="NONE must be a share"):
        env.parsed("NONE", between(0.5, 2.0), "a share")


def test_a_missing_number_says_what_it_should_be() -> None:
    with pytest.raises(EnvironmentVariableError, match="COUNT is not set; it must be a whole number"):
        Env({}).integer("COUNT", least=1, most=12)


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)])
def test_reads_yes_and_no(text: str, value: bool) -> None:
    assert Env({"FLAG": text}).boolean("FLAG") is value


def test_an_unknown_word_is_neither_yes_nor_no() -> None:
    with pytest.raises(EnvironmentVariableError, match="FLAG must be one of"):
        Env({"FLAG": "perhaps"}).boolean("FLAG")


def test_a_file_stands_in_for_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")

    assert Env({"KEY_FILE": str(tmp_path / "key")}).text("KEY") == "s3cret"


def test_a_file_that_cannot_be_read_is_an_error_even_with_a_default(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentVariableError, match="KEY_FILE names a file that cannot be read"):
        Env({"KEY_FILE": str(tmp_path / "absent")}).text("KEY", "default")


def test_reads_a_database_over_tcp() -> None:
    url = "postgresql://app:p%40ss@db.example:5433/hub?sslmode=require"

    assert Env({"DATABASE_URL": url}).database("DATABASE_URL") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "hub",
        "USER": "app",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"connect_timeout": "5", "sslmode": "require"},
    }


def test_reads_a_database_on_a_unix_socket() -> None:
    entry = Env({"DATABASE_URL": "postgres://app:x@/hub?host=%2Frun%2Fpg"}).database("DATABASE_URL")

    assert (entry["HOST"], entry["PORT"], entry["OPTIONS"]) == ("/run/pg", "", {"connect_timeout": "5"})


@pytest.mark.parametrize(
    "url",
    [
        "mysql://app@db/hub",
        "postgresql://app:hidden@db",
        "hub",
        "postgresql://app:hidden@db:port/hub",
        "postgresql://app:hidden@[db/hub",
    ],
)
def test_an_address_of_another_kind_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(EnvironmentVariableError, match=r"^DATABASE_URL must look like") as caught:
        Env({"DATABASE_URL": url}).database("DATABASE_URL")

    assert "hidden" not in str(caught.value)


def test_reads_what_a_function_understands() -> None:
    env = Env({"START": "2026-04-21", "BAD": "soon"})

    assert env.parsed("START", date.fromisoformat, "a date") == date(2026, 4, 21)
    assert env.parsed("ABSENT", date.fromisoformat, "a date", "2026-01-01") == date(2026, 1, 1)
    with pytest.raises(EnvironmentVariableError, match=r"^BAD must be a date\.$"):
        env.parsed("BAD", date.fromisoformat, "a date")


def test_a_file_that_holds_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(EnvironmentVariableError, match="KEY_FILE names a file that cannot be read"):
        Env({"KEY_FILE": str(tmp_path / "key")}).text("KEY")


def test_the_address_of_a_database_outranks_our_options() -> None:
    env = Env({"DATABASE_URL": "postgres://app:x@db/hub?connect_timeout=30"})

    entry = env.database("DATABASE_URL", options={"options": "-c lock_timeout=10s"})

    assert entry["OPTIONS"] == {"connect_timeout": "30", "options": "-c lock_timeout=10s"}


KEY = "n+/" * 14 + "A"


@pytest.mark.parametrize("written", [KEY, KEY + "=", KEY.replace("+", "-").replace("/", "_"), f" {KEY}= ,"])
def test_reads_a_key_in_either_alphabet(written: str) -> None:
    (key,) = Env({"SECRETS_KEYS": written}).parsed("SECRETS_KEYS", secret_keys, "keys")

    assert key == KEY.replace("+", "-").replace("/", "_") + "="


def test_keeps_the_order_of_keys() -> None:
    other = "B" * 42 + "A="

    assert secret_keys(f"{other},{KEY}")[0] == other
    assert len(secret_keys(f"{other},{KEY}")) == 2


@pytest.mark.parametrize("text", [",", "hidden", KEY[:-4], KEY + "AAAA", KEY[:-1] + "ö", f"{KEY},hidden"])
def test_refuses_what_is_no_key_without_showing_it(text: str) -> None:
    with pytest.raises(EnvironmentVariableError, match=r"^SECRETS_KEYS must be keys\.$") as caught:
        Env({"SECRETS_KEYS": text}).parsed("SECRETS_KEYS", secret_keys, "keys")

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(("text", "word"), [("uvicorn", "uvicorn"), (" Daphne ", "daphne")])
def test_takes_one_of_a_few_words(text: str, word: str) -> None:
    env = Env({"S2_SERVER": text})

    assert env.parsed("S2_SERVER", one_of("daphne", "uvicorn"), "daphne or uvicorn") == word


def test_refuses_another_word() -> None:
    with pytest.raises(EnvironmentVariableError, match="S2_SERVER must be daphne or uvicorn"):
        Env({"S2_SERVER": "gunicorn"}).parsed("S2_SERVER", one_of("daphne", "uvicorn"), "daphne or uvicorn")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://hub.example", "https://hub.example"),
        ("HTTPS://hub.example/", "https://hub.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_reads_where_people_reach_the_hub(text: str, address: str) -> None:
    assert web_address(text) == address


def test_reads_names_of_hosts() -> None:
    assert host_names("hub.example, .hub.example,,127.0.0.1 ,[::1],*,") == [
        *("hub.example", ".hub.example", "127.0.0.1", "[::1]", "*")
    ]
    assert host_names("") == []


@pytest.mark.parametrize("text", ["https://hub.example", "hub.example:443", "hub.example/", "::1", "a b"])
def test_what_is_no_name_of_a_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # As below.
        host_names(text)


@pytest.mark.parametrize(
    "text",
    [
        "hub.example",
        "//hub.example",
        "https:hub.example",
        "https://",
        "ftp://hub.example",
        "https://hub.example/below",
        "https://hub.example?a=b",
        "https://somebody@hub.example",
        "https://hub.example:port",
    ],
)
def test_what_is_no_such_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # `Env.parsed` says what is wanted.
        web_address(text)
