"""Settings are read from a mapping, typed, and every problem is named at once."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from producer import settings as producer_settings
from producer.access.token import Role
from wire.process.settings import SettingsError, next_database
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


OPENID = {
    "SEGMENT_EXPORT_OIDC_ISSUER": "https://login.example.com/realm/",
    "SEGMENT_EXPORT_OIDC_CLIENT_ID": "export",
    "SEGMENT_EXPORT_OIDC_CLIENT_SECRET": "secret-of-the-client",
    "SEGMENT_EXPORT_OIDC_ROLES": "admins=admin, staff=viewer",
    "SEGMENT_EXPORT_PUBLIC_URL": "https://export.example.com/",
}


def test_without_an_issuer_nobody_logs_in_by_openid_connect() -> None:
    """Whatever else is set."""
    assert producer_settings.read_settings(NEEDED).openid is None
    rest = {name: value for name, value in OPENID.items() if not name.endswith("ISSUER")}
    assert producer_settings.read_settings(NEEDED | rest).openid is None


def test_with_an_issuer_everything_that_belongs_to_it_is_read() -> None:
    """The issuer stays as it is written; claims and scopes have defaults that most providers know."""
    openid = producer_settings.read_settings(NEEDED | OPENID).openid
    assert openid is not None
    assert (openid.issuer, openid.client_id) == ("https://login.example.com/realm/", "export")
    assert openid.roles == {"admins": Role.ADMIN, "staff": Role.VIEWER}
    assert (openid.roles_claim, openid.name_claim) == ("roles", "preferred_username")
    assert openid.scopes == ("openid", "profile", "email")
    assert openid.redirect_uri == "https://export.example.com/login/openid/back"
    assert "secret-of-the-client" not in repr(openid)
    further = {"ROLES_CLAIM": "groups", "NAME_CLAIM": "sub", "SCOPES": "openid, groups"}
    said = {f"SEGMENT_EXPORT_OIDC_{name}": value for name, value in further.items()}
    openid = producer_settings.read_settings(NEEDED | OPENID | said).openid
    assert openid is not None
    assert (openid.roles_claim, openid.name_claim, openid.scopes) == ("groups", "sub", ("openid", "groups"))


def test_everything_that_is_missing_beside_an_issuer_is_named() -> None:
    """As with all settings."""
    issuer = {"SEGMENT_EXPORT_OIDC_ISSUER": OPENID["SEGMENT_EXPORT_OIDC_ISSUER"]}
    with pytest.raises(SettingsError) as caught:
        producer_settings.read_settings(NEEDED | issuer)
    named = {problem.split()[0].removeprefix("SEGMENT_EXPORT_") for problem in caught.value.problems}
    assert named == {"OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ROLES", "PUBLIC_URL"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "login.example.com"),
        ("OIDC_ISSUER", "http://login.example.com"),
        ("OIDC_ISSUER", "https://10.0.0.1/realm"),
        ("OIDC_ISSUER", "https://login.example.com/?tenant=1"),
        ("OIDC_ISSUER", "https://ann@login.example.com"),
        ("OIDC_ROLES", "admins=root"),
        ("OIDC_SCOPES", "profile"),
        ("PUBLIC_URL", "export.example.com"),
        ("PUBLIC_URL", "https://export.example.com/page"),
    ],
)
def test_what_cannot_be_used_for_openid_connect_is_named(name: str, value: str) -> None:
    """At start, and not at somebody's first login."""
    with pytest.raises(SettingsError, match=name):
        producer_settings.read_settings(NEEDED | OPENID | {f"SEGMENT_EXPORT_{name}": value})


def test_a_trusted_host_may_be_a_provider_too() -> None:
    """Plain http and private, as for everything else."""
    said = {"SEGMENT_EXPORT_OIDC_ISSUER": "http://10.0.0.1:8443", "SEGMENT_EXPORT_TRUSTED_HOSTS": "10.0.0.1:8443"}
    openid = producer_settings.read_settings(NEEDED | OPENID | said).openid
    assert openid is not None
    assert openid.issuer == "http://10.0.0.1:8443"


@given(st.integers(0, 10_000))
def test_the_next_database_is_always_one_further(database: int) -> None:
    """So that queue and record never meet."""
    assert next_database(f"redis://store:1/{database}") == f"redis://store:1/{database + 1}"


@pytest.mark.parametrize("url", ["redis://store/x", "redis://store/0?db=3", "store:6379", "redis+sentinel://a:1"])
def test_a_url_whose_database_is_unclear_is_refused(url: str) -> None:
    """The queue's default could be the record's own database."""
    with pytest.raises(SettingsError, match="REDIS_URL"):
        producer_settings.read_settings(NEEDED | {"SEGMENT_EXPORT_REDIS_URL": url})
