"""Settings are read from a mapping, typed, and every problem is named at once."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from producer import settings as producer_settings
from wire.settings import SettingsError, next_database
from worker import settings as worker_settings

KEY = Fernet.generate_key().decode()
TOKEN = "an-admin-token-of-some-length"
NEEDED = {"SEGMENT_EXPORT_SECRET_KEYS": KEY, "SEGMENT_EXPORT_ADMIN_TOKEN": TOKEN}


def test_the_producer_needs_only_keys_and_a_token() -> None:
    """Everything else has the default that the design names."""
    settings = producer_settings.read_settings(NEEDED)
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.queue_url == "redis://127.0.0.1:6379/1"
    assert settings.listen == ("127.0.0.1", 8080)
    assert [key.get_secret_value() for key in settings.secret_keys] == [KEY]
    assert settings.admin_token.get_secret_value() == TOKEN
    assert (settings.snapshot_roots, settings.trusted_hosts) == ((), frozenset())
    assert (settings.budget_minutes, settings.rejects_days, settings.runs_days) == (90, 30, 90)


def test_every_setting_is_read_from_its_name() -> None:
    """What is set replaces the default, and words between commas are trimmed."""
    other = Fernet.generate_key().decode()
    settings = producer_settings.read_settings(
        {
            "SEGMENT_EXPORT_REDIS_URL": "rediss://user:word@store:6380/4",
            "SEGMENT_EXPORT_QUEUE_URL": "redis://queue/7",
            "SEGMENT_EXPORT_LISTEN": "[::]:0",
            "SEGMENT_EXPORT_SECRET_KEYS": f"{KEY} , {other}",
            "SEGMENT_EXPORT_ADMIN_TOKEN": TOKEN,
            "SEGMENT_EXPORT_SNAPSHOT_ROOTS": "/a, /b/c",
            "SEGMENT_EXPORT_TRUSTED_HOSTS": "Sandbox:9000",
            "SEGMENT_EXPORT_BUDGET_MINUTES": "0.5",
            "SEGMENT_EXPORT_REJECTS_RETENTION_DAYS": "1",
            "SEGMENT_EXPORT_RUNS_RETENTION_DAYS": "2",
            "SEGMENT_EXPORT_AUDIT_DAYS": "3",
            "SEGMENT_EXPORT_TRUSTED_PROXIES": "10.0.0.7, fd00::/8",
            "SEGMENT_EXPORT_LOG_LEVEL": "Warning",
        }
    )
    assert (settings.redis_url, settings.queue_url) == ("rediss://user:word@store:6380/4", "redis://queue/7")
    assert settings.listen == ("::", 0)
    assert len(settings.secret_keys) == 2
    assert settings.snapshot_roots == (Path("/a"), Path("/b/c"))
    assert settings.trusted_hosts == {"sandbox:9000"}
    assert (settings.budget_minutes, settings.rejects_days, settings.runs_days) == (0.5, 1, 2)
    assert settings.audit_days == 3
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.7/32", "fd00::/8"]
    assert settings.log_level == 30


def test_every_problem_is_named_at_once() -> None:
    """A person mends all of them in one go."""
    with pytest.raises(SettingsError) as caught:
        producer_settings.read_settings(
            {
                "SEGMENT_EXPORT_REDIS_URL": "http://store",
                "SEGMENT_EXPORT_LISTEN": "8080",
                "SEGMENT_EXPORT_SECRET_KEYS": f"{KEY},short",
                "SEGMENT_EXPORT_SNAPSHOT_ROOTS": "/a,b",
                "SEGMENT_EXPORT_TRUSTED_HOSTS": "http://sandbox:1",
                "SEGMENT_EXPORT_BUDGET_MINUTES": "0",
                "SEGMENT_EXPORT_LOG_LEVEL": "loud",
                "SEGMENT_EXPORT_AUDIT_DAYS": "-1",
                "SEGMENT_EXPORT_TRUSTED_PROXIES": "10.0.0.1/8",
            }
        )
    named = {problem.split()[0].removeprefix("SEGMENT_EXPORT_") for problem in caught.value.problems}
    assert named == {
        "REDIS_URL",
        "LISTEN",
        "SECRET_KEYS",
        "ADMIN_TOKEN",
        "SNAPSHOT_ROOTS",
        "TRUSTED_HOSTS",
        "BUDGET_MINUTES",
        "AUDIT_DAYS",
        "TRUSTED_PROXIES",
        "LOG_LEVEL",
    }
    assert "key 2" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("token", ["with spaces in the middle", "ümlauts-in-the-token-text"])
def test_a_token_that_fits_into_no_header_is_refused_without_being_repeated(token: str) -> None:
    """Settings' problems end in a log."""
    with pytest.raises(SettingsError) as caught:
        producer_settings.read_settings(NEEDED | {"SEGMENT_EXPORT_ADMIN_TOKEN": token})
    assert token not in str(caught.value)


def test_the_worker_reads_its_own_settings_and_ignores_the_producers() -> None:
    """One environment serves both programs."""
    environment = {"SEGMENT_EXPORT_SECRET_KEYS": KEY, "SEGMENT_EXPORT_LISTEN": "nonsense", "SEGMENT_EXPORT_X": "y"}
    settings = worker_settings.read_settings(environment)
    assert (settings.metrics_port, settings.queue_url) == (9191, "redis://127.0.0.1:6379/1")
    assert worker_settings.read_settings(environment | {"SEGMENT_EXPORT_METRICS_PORT": "0"}).metrics_port == 0
    with pytest.raises(SettingsError, match="METRICS_PORT"):
        worker_settings.read_settings(environment | {"SEGMENT_EXPORT_METRICS_PORT": "65536"})


def test_secrets_are_not_shown() -> None:
    """Neither keys nor token are in what a careless log line prints."""
    shown = repr(producer_settings.read_settings(NEEDED))
    assert KEY not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize(
    ("url", "following"),
    [
        ("redis://store", "redis://store/1"),
        ("redis://store:1/", "redis://store:1/1"),
        ("rediss://u:p@store:1/15?ssl_cert_reqs=none", "rediss://u:p@store:1/16?ssl_cert_reqs=none"),
        ("redis+sentinel://a:1,b:2/main", "redis+sentinel://a:1,b:2/main/1"),
        ("redis+sentinel://a:1,b:2/main/3", "redis+sentinel://a:1,b:2/main/4"),
    ],
)
def test_the_queue_is_in_the_next_database_of_the_same_server(url: str, following: str) -> None:
    """Also where the URL names no database."""
    assert next_database(url) == following


@given(st.integers(0, 10_000))
def test_the_next_database_is_always_one_further(database: int) -> None:
    """So that queue and record never meet."""
    assert next_database(f"redis://store:1/{database}") == f"redis://store:1/{database + 1}"


@pytest.mark.parametrize("url", ["redis://store/x", "redis://store/0?db=3", "store:6379", "redis+sentinel://a:1"])
def test_a_url_whose_database_is_unclear_is_refused(url: str) -> None:
    """The queue's default could be the record's own database."""
    with pytest.raises(SettingsError, match="REDIS_URL"):
        producer_settings.read_settings(NEEDED | {"SEGMENT_EXPORT_REDIS_URL": url})
