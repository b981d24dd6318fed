"""The other ends of notifications, as real servers on this machine: a receiver of webhooks, and a mail server."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Receiver:
    """Takes webhooks and answers with the statuses and headers in `answers`, and then with 204."""

    url: str = ""
    host: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Receive one."""
        self.received.append((dict(request.headers), await request.read()))
        status, said = self.answers.pop(0) if self.answers else (204, {})
        return web.Response(status=status, headers=said)

    def ids(self) -> list[str]:
        """The ids of what was received, in order."""
        return [headers["webhook-id"] for headers, _ in self.received]


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Serve a receiver on a free port."""
    made = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.take)
    async with TestServer(app, host="127.0.0.1") as server:
        made.host = f"127.0.0.1:{server.port}"
        made.url = f"http://{made.host}/hook"
        yield made


@dataclass
class MailBox:
    """What a mail server took; addresses in `unknown` it refuses."""

    port: int = 0
    unknown: set[str] = field(default_factory=set)
    mails: list[EmailMessage] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        """Take a recipient."""
        if address in self.unknown:
            return "550 no such user here: " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's signature
        """Take a mail."""
        self.mails.append(message_from_bytes(envelope.original_content or b"", policy=policy.default))
        self.over_tls.append(session.ssl is not None)
        return "250 OK"


@asynccontextmanager
async def mail_server(
    context: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> AsyncIterator[MailBox]:
    """Serve a mail server on a free port: with a context it wants STARTTLS, with a login it wants that."""
    box = MailBox()

    def authenticate(server: SMTP, session: Any, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        said = (data.login.decode(), data.password.decode())
        return AuthResult(success=said == login, handled=False)

    def made() -> SMTP:
        return SMTP(
            box,
            hostname="mail.test",
            tls_context=context,
            require_starttls=context is not None,
            auth_required=login is not None,
            authenticator=authenticate,
        )

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for this machine: a context for the server that has it, and one for clients that trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file, key_file)
    return server, ssl.create_default_context(cafile=str(file))
