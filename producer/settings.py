"""What the producer is told from outside, read once into a frozen object; README.md explains every setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from producer.access.openid.config import OpenIdConfig, roles_from
from producer.contacts.email_addresses import Address, read_address
from producer.notifications.mail import MailServer, Security
from producer.snapshots import Root, read_root
from wire.http.hosts import InvalidHost, read_host
from wire.process.settings import (
    DEFAULT_REDIS_URL,
    SettingsReader,
    fernet_keys,
    host_and_port,
    log_level,
    networks,
    next_database,
    origin,
    positive,
    redis_url,
    trusted_hosts,
    words,
)

INFO: Final = 20
SHORT_TOKEN_CHARACTERS: Final = 16

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """The producer's settings; `repr` shows no key and no token, but a URL may hold a password: never log the whole."""

    redis_url: str
    queue_url: str
    listen: tuple[str, int]
    secret_keys: tuple[SecretStr, ...]
    admin_token: SecretStr
    snapshot_roots: tuple[Root, ...]
    trusted_hosts: frozenset[str]
    budget_minutes: float
    stale_after_hours: float
    rejects_days: float
    runs_days: float
    audit_days: float
    trusted_proxies: tuple[Network, ...]
    log_level: int
    public_url: str
    mail: MailServer | None
    openid: OpenIdConfig | None = None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; SettingsError names everything that is wrong with them."""
    reading = SettingsReader(environment)
    store = reading.take("REDIS_URL", redis_url, DEFAULT_REDIS_URL)
    trusted: frozenset[str] = reading.take("TRUSTED_HOSTS", trusted_hosts, frozenset())
    terms = _openid(reading, trusted)
    settings = Settings(
        redis_url=store,
        queue_url=reading.take("QUEUE_URL", redis_url, next_database(store)),
        listen=reading.take("LISTEN", host_and_port, ("127.0.0.1", 8080)),
        secret_keys=reading.require("SECRET_KEYS", fernet_keys, ()),
        admin_token=reading.require("ADMIN_TOKEN", _token, SecretStr("")),
        snapshot_roots=reading.take("SNAPSHOT_ROOTS", _roots, ()),
        trusted_hosts=trusted,
        budget_minutes=reading.take("BUDGET_MINUTES", positive, 90.0),
        stale_after_hours=reading.take("STALE_AFTER_HOURS", positive, 26.0),
        rejects_days=reading.take("REJECTS_RETENTION_DAYS", positive, 30.0),
        runs_days=reading.take("RUNS_RETENTION_DAYS", positive, 90.0),
        audit_days=reading.take("AUDIT_DAYS", positive, 365.0),
        trusted_proxies=reading.take("TRUSTED_PROXIES", networks, ()),
        log_level=reading.take("LOG_LEVEL", log_level, INFO),
        public_url=terms.public_url,
        mail=_mail(reading),
        openid=terms if terms.issuer else None,
    )
    reading.finish()
    return settings


def _openid(reading: SettingsReader, trusted: frozenset[str]) -> OpenIdConfig:
    """Read how people log in by OpenID Connect: not at all, where the issuer is empty."""
    issuer = reading.take("OIDC_ISSUER", lambda text: _issuer(text, trusted), "")
    needed = reading.require if issuer else reading.take
    return OpenIdConfig(
        issuer=issuer,
        client_id=needed("OIDC_CLIENT_ID", str, ""),
        client_secret=needed("OIDC_CLIENT_SECRET", SecretStr, SecretStr("")),
        roles_claim=reading.take("OIDC_ROLES_CLAIM", str, "roles"),
        roles=needed("OIDC_ROLES", roles_from, {}),
        name_claim=reading.take("OIDC_NAME_CLAIM", str, "preferred_username"),
        scopes=reading.take("OIDC_SCOPES", _scopes, ("openid", "profile", "email")),
        public_url=needed("PUBLIC_URL", origin, ""),
    )


def _mail(reading: SettingsReader) -> MailServer | None:
    """Read where e-mail is handed in: nowhere, if no host is named."""
    place: tuple[str, int] = reading.take("SMTP_HOST", host_and_port, ("", 0))
    security: Security = reading.take("SMTP_SECURITY", _security, "starttls")
    user: str = reading.take("SMTP_USER", str, "")
    password: SecretStr | None = reading.take("SMTP_PASSWORD", SecretStr, None)
    sender: str = reading.take("SMTP_FROM", _sender, "")
    if not place[0]:
        return None
    if not sender:
        sender = reading.require("SMTP_FROM", _sender, "")
    if bool(user) != bool(password):
        reading.require("SMTP_PASSWORD" if user else "SMTP_USER", str, "")
    if user and security == "none":
        reading.refuse(
            "SMTP_SECURITY",
            "must be starttls or tls where there is an SMTP_USER: the password would be read on its way",
        )
    return MailServer(*place, security=security, sender=sender, user=user, password=password)


def _security(text: str) -> Security:
    match text.lower():
        case "starttls" | "tls" | "none" as security:
            return security
        case _:
            raise ValueError(f"must be starttls, tls or none, not {text!r}")


def _sender(text: str) -> str:
    match read_address(text):
        case Address(sent):
            return sent
        case wrong:
            raise ValueError(f"must be an e-mail address: {wrong.reason}")


def _token(text: str) -> SecretStr:
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("must be printable ASCII without spaces, since it travels in a header")
    return SecretStr(text)


def _roots(text: str) -> tuple[Root, ...]:
    return tuple(map(read_root, words(text)))


def _issuer(text: str, trusted: frozenset[str]) -> str:
    """Read an issuer, exactly as the provider writes it in its tokens: a slash at its end is part of it."""
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError("must be the provider's issuer, a URL like https://login.example.com/realm")
    try:
        read_host(f"{parts.scheme}://{parts.netloc}", trusted)
    except InvalidHost as error:
        raise ValueError(f"is at no host that is spoken to: {error}") from None
    return text


def _scopes(text: str) -> tuple[str, ...]:
    scopes = tuple(text.replace(",", " ").split())
    if "openid" not in scopes:
        raise ValueError("must hold openid, without which this is no OpenID Connect")
    return scopes
