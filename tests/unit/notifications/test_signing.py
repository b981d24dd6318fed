"""Webhooks are signed as Standard Webhooks say, held to the package that checks them at the other end."""

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from producer.notifications.attempts import WAITS_SECONDS, given_up, wait_seconds
from producer.notifications.signing import check_secret, headers, secret_of

NOW_SECONDS = 1_795_435_200


@given(
    key=st.binary(min_size=24, max_size=64), message=st.from_regex(r"msg_[0-9a-f]{32}", fullmatch=True), text=st.text()
)
def test_the_other_end_s_own_package_takes_what_is_signed(key: bytes, message: str, text: str) -> None:
    """Whatever the key and the text."""
    secret, body = secret_of(key), text.encode(errors="replace")
    signer = Webhook(secret.get_secret_value())
    signed = headers(secret, message, NOW_SECONDS, body)["webhook-signature"]
    assert signed == signer.sign(message, datetime.fromtimestamp(NOW_SECONDS, UTC), body.decode())


def test_a_body_that_was_changed_is_not_taken() -> None:
    """Nor another id, nor under another key."""
    secret = secret_of(b"k" * 32)
    signed = dict(headers(secret, "msg_1", int(time.time()), b'{"a":1}'))
    Webhook(secret.get_secret_value()).verify(b'{"a":1}', signed)
    for body, changed, key in (
        (b'{"a":2}', {}, secret),
        (b'{"a":1}', {"webhook-id": "msg_2"}, secret),
        (b'{"a":1}', {}, secret_of(b"o" * 32)),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(key.get_secret_value()).verify(body, signed | changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_!!!!",
        "secret",
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        base64.b64encode(b"k" * 32).decode(),
    ],
)
def test_a_secret_that_is_none_is_refused_without_being_repeated(text: str) -> None:
    """It may be half of a real one."""
    with pytest.raises(ValueError, match="must be whsec_ and 24 to 64 bytes in Base64") as caught:
        check_secret(SecretStr(text))
    assert len(text) < 8 or text not in str(caught.value)


def test_attempts_go_on_for_more_than_a_day_and_come_to_an_end() -> None:
    """Each wait is longer than the one before, spread by a tenth, and never shorter than the receiver asked for."""
    assert sum(WAITS_SECONDS) > 27 * 3_600
    assert list(WAITS_SECONDS) == sorted(WAITS_SECONDS)
    assert [given_up(attempt) for attempt in (1, len(WAITS_SECONDS), len(WAITS_SECONDS) + 1)] == [False, False, True]
    assert wait_seconds(1, 0, 0.5) == 5
    assert (wait_seconds(2, 0, 0.0), wait_seconds(2, 0, 1.0)) == (27, 33)
    assert wait_seconds(1, 300, 0.5) == 300
