"""Sends messages by e-mail over the operator's mail server; the only place that speaks SMTP."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Final, Literal

import aiosmtplib
from pydantic import SecretStr

from producer.notifications.attempts import Attempt, AttemptOutcome
from producer.notifications.messages import mail_of

TIMEOUT_SECONDS: Final = 30
PERMANENT: Final = 500

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, and from whom it is."""

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: SecretStr | None = None


class Mail:
    """Sends one message at a time, once; `context` judges the server's certificate."""

    def __init__(self, server: MailServer, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._context = context

    async def send(self, addresses: Sequence[str], message: str, body: Mapping[str, Any]) -> Attempt:
        """Send a message and say what came of it; nothing of the server's own words, which may quote an address."""
        server = self._server
        try:
            refused, _ = await aiosmtplib.send(
                written(server.sender, addresses, message, body),
                hostname=server.host,
                port=server.port,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=self._context,
                username=server.user or None,
                password=server.password.get_secret_value() if server.password else None,
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            dead = all(code >= PERMANENT for code in codes)
            told = ", ".join(map(str, sorted(set(codes))))
            return Attempt(AttemptOutcome.DEAD if dead else AttemptOutcome.FAILED, f"every address was refused: {told}")
        except aiosmtplib.SMTPResponseException as error:
            return Attempt(AttemptOutcome.FAILED, f"the mail server answered {error.code}")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return Attempt(AttemptOutcome.FAILED, f"no mail server: {type(error).__name__}")
        note = f"handed in; {len(refused)} of {len(addresses)} addresses were refused" if refused else "handed in"
        return Attempt(AttemptOutcome.DELIVERED, note)


def written(sender: str, addresses: Sequence[str], message: str, body: Mapping[str, Any]) -> EmailMessage:
    """Write the e-mail; sent again, it has the same id."""
    subject, text = mail_of(body)
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(addresses)
    mail["Subject"] = subject
    mail["Date"] = formatdate(localtime=False)
    mail["Message-ID"] = f"<{message}@segment-export.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail
