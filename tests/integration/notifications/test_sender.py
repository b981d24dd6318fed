"""Messages reach real receivers: signed, at least once, under one id, through long outages, or they are dead letters."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import SecretStr
from redis import Redis
from standardwebhooks import Webhook

from producer.app import SCRIPT_ROOMS
from producer.notifications.attempts import WAITS_SECONDS, AttemptOutcome
from producer.notifications.channel import Channel, ChannelKind
from producer.notifications.channels import Channels
from producer.notifications.delivery import DeliveryState
from producer.notifications.export_health import Addressed, ExportHealth
from producer.notifications.health_store import ExportHealthStore
from producer.notifications.mail import Mail, MailServer
from producer.notifications.outbox import LEASE_MS, Outbox
from producer.notifications.sender import Sender, SendReport
from producer.notifications.signing import secret_of
from producer.notifications.webhooks import Webhooks, read_url
from producer.registry.store import Registry
from tests.integration.notifications.test_watcher import channel
from tests.integration.receiving import certificate, mail_server, receiver
from tests.integration.serving import VAULT, export
from tests.integration.walking import CLOCK, CLOCK_KEY, START
from tests.logged import logged
from wire.http.session import Session, open_session
from wire.store import codec
from wire.store.redis import Store, connect, load_scripts

SECRET = secret_of(b"canary-of-a-secret-of-32-bytes!!")
BODY = codec.encode(
    {"type": "export.failed", "timestamp": "2026-11-24T06:00:00.000Z", "data": {"detail": "It failed."}}
)
SECOND_MS = 1_000


@dataclass
class Office:
    """An outbox over a record on time that a test moves."""

    redis: Redis
    store: Store
    session: Session
    mail: Mail | None = None
    now: int = START
    posted: list[SendReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox, self.channels = Outbox(self.store), Channels(self.store)

    def sender(self) -> Sender:
        """Another producer."""
        return Sender(self.outbox, VAULT, Webhooks(self.session), self.mail, self.posted.append, dice=lambda: 0.5)

    async def open(self, to: Channel) -> None:
        """Keep a channel, and an export to tell of."""
        sealed = VAULT.seal(to.id, SECRET) if to.kind is ChannelKind.WEBHOOK else None
        await self.channels.save(to, secret=sealed)
        if not await Registry(self.store).exports():
            await Registry(self.store).save_export(export(connection=None))

    async def write(self, *ids: str, to: str = "ch-ops") -> None:
        """Put messages into the outbox, as a change of state does."""
        healths = ExportHealthStore(self.store)
        told = (await healths.told(["id-vips"]))["id-vips"]
        health = ExportHealth.WELL if told.health is ExportHealth.FAILED else ExportHealth.FAILED
        messages = [Addressed(of, to, BODY) for of in ids]
        assert await healths.judge("id-vips", told, health, messages=messages) == "judged"

    def pass_time(self, milliseconds: int) -> None:
        """Let the store's time go on."""
        self.now += milliseconds
        self.redis.set(CLOCK_KEY, self.now)

    async def post(self, milliseconds: int = 0) -> None:
        """Let time go on, and deliver what is due."""
        self.pass_time(milliseconds)
        await self.sender().post()

    async def notes(self, state: DeliveryState, of: str = "ch-ops") -> list[tuple[str, int, str | None]]:
        """Messages in a state: id, attempts, and what came of the last."""
        return [(one.id, one.attempts, one.note) for one in await self.outbox.listed(of, [state])]


InOffice = Callable[[Callable[[Office], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def in_office(redis_url: str) -> InOffice:
    """Run a scenario over an empty store; hosts on this machine are trusted as a test says."""

    def run(scenario: Callable[[Office], Coroutine[Any, Any, None]], trusted: frozenset[str] = frozenset()) -> None:
        async def opened() -> None:
            store = Store(connect(redis_url), clock=CLOCK, scripts=load_scripts(*SCRIPT_ROOMS))
            with Redis.from_url(redis_url) as redis:
                async with open_session(trusted) as session:
                    office = Office(redis, store, session)
                    office.pass_time(0)
                    try:
                        await scenario(office)
                    finally:
                        await store.close()

        asyncio.run(opened())

    return run


def test_a_message_arrives_signed_so_that_the_scheme_s_own_package_takes_it(in_office: InOffice) -> None:
    """With its body as it was written, and once."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=there.url))
            await office.write("msg_1")
            await office.post()
            await office.post(60 * SECOND_MS)
            ((headers, body),) = there.received
            told = Webhook(SECRET.get_secret_value()).verify(body, headers)
            assert (told["type"], headers["webhook-id"]) == ("export.failed", "msg_1")
            assert headers["Content-Type"] == "application/json"
            assert await office.notes(DeliveryState.DELIVERED) == [("msg_1", 1, "HTTP 204")]
            assert office.posted == [SendReport(ChannelKind.WEBHOOK, AttemptOutcome.DELIVERED)]

    in_office(scenario)


def test_a_receiver_that_is_down_for_long_gets_every_message_when_it_is_back(in_office: InOffice) -> None:
    """Under the same ids, with waits that grow; nothing is lost and nothing is delivered twice."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=there.url))
            there.answers += [(503, {})] * 16
            await office.write("msg_1")
            for wait in WAITS_SECONDS[:7]:
                await office.post()
                await office.post(wait * SECOND_MS - 1)
                office.pass_time(1)
            assert there.ids() == ["msg_1"] * 7
            await office.write("msg_2")
            await office.post()
            assert there.ids()[7:] == ["msg_1", "msg_2"] or there.ids()[7:] == ["msg_2", "msg_1"]
            there.answers.clear()
            for _ in range(2):
                await office.post(10 * 3_600 * SECOND_MS)
            assert sorted(there.ids()[9:]) == ["msg_1", "msg_2"]
            assert {one[0] for one in await office.notes(DeliveryState.DELIVERED)} == {"msg_1", "msg_2"}

    in_office(scenario)


def test_what_is_given_up_is_a_dead_letter_and_can_be_sent_again(in_office: InOffice) -> None:
    """After the last attempt, with what was answered; then from the beginning, under its id."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=there.url))
            there.answers += [(500, {})] * (len(WAITS_SECONDS) + 1)
            await office.write("msg_1")
            await office.post()
            for wait in WAITS_SECONDS:
                await office.post(wait * SECOND_MS)
            assert await office.notes(DeliveryState.DEAD) == [("msg_1", len(WAITS_SECONDS) + 1, "HTTP 500")]
            assert (await office.outbox.count()).dead == 1
            await office.post(24 * 3_600 * SECOND_MS)
            assert len(there.received) == len(WAITS_SECONDS) + 1
            assert await office.outbox.redeliver("ch-other", "msg_1") is None
            assert await office.outbox.redeliver("ch-ops", "msg_1") == "done"
            assert await office.outbox.redeliver("ch-ops", "msg_1") == "already"
            await office.post()
            assert await office.notes(DeliveryState.DELIVERED) == [("msg_1", 1, "HTTP 204")]
            assert set(there.ids()) == {"msg_1"}
            assert [one.outcome for one in office.posted[-2:]] == [AttemptOutcome.DEAD, AttemptOutcome.DELIVERED]

    in_office(scenario)


@pytest.mark.parametrize(
    ("answer", "state", "note", "due_seconds"),
    [
        ((410, {}), DeliveryState.DEAD, "HTTP 410: the receiver wants no more of this", None),
        (
            (302, {"Location": "http://127.0.0.1:1/"}),
            DeliveryState.PENDING,
            "HTTP 302: redirects are not followed, give the address it leads to",
            5,
        ),
        ((429, {"Retry-After": "120"}), DeliveryState.PENDING, "HTTP 429", 120),
        ((503, {"Retry-After": "1"}), DeliveryState.PENDING, "HTTP 503", 5),
    ],
)
def test_what_a_receiver_answers_decides_what_comes_next(
    in_office: InOffice, answer: tuple[int, dict[str, str]], state: DeliveryState, note: str, due_seconds: int | None
) -> None:
    """It wants none, it has moved, it wants to be asked later."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=there.url))
            there.answers.append(answer)
            await office.write("msg_1")
            await office.post()
            (letter,) = await office.outbox.listed("ch-ops", list(DeliveryState))
            assert (letter.state, letter.note) == (state, note)
            assert letter.due == (None if due_seconds is None else office.now + due_seconds * SECOND_MS)
            assert len(there.received) == 1

    in_office(scenario)


class _ToThisMachine(AbstractResolver):
    """A name that changed its mind after it was saved."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}
        return [ResolveResult(**found)]  # type: ignore[typeddict-item]  # it is one

    async def close(self) -> None:
        return


@pytest.mark.parametrize("url", ["https://hooks.example.com/x", "http://hooks.example.com/x", "https://127.0.0.1/x"])
def test_nothing_is_posted_to_what_is_not_public(in_office: InOffice, url: str) -> None:
    """It is looked at when the connection is made, not when the channel was saved."""

    async def scenario(office: Office) -> None:
        async with open_session(frozenset(), resolver=_ToThisMachine()) as office.session:
            await office.open(channel(url=url))
            await office.write("msg_1")
            await office.post()
            note = "the host is not public, or is not spoken to by https"
            assert await office.notes(DeliveryState.PENDING) == [("msg_1", 1, note)]

    in_office(scenario)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hooks.example.com/x", "must be a URL"),
        ("http://hooks.example.com/x", "must be https"),
        ("https://10.0.0.1/x", "must be https"),
        ("https://user:canary@hooks.example.com/", "without a user"),
        ("https://hooks.example.com/x#part", "must be a URL"),
        ("ftp://hooks.example.com/x", "must be https"),
    ],
)
def test_an_address_that_is_none_is_refused_when_it_is_saved(text: str, says: str) -> None:
    """In a sentence that repeats no password."""
    with pytest.raises(ValueError, match=says) as caught:
        read_url(text, frozenset())
    assert "canary" not in str(caught.value)


def test_a_url_is_mended_and_keeps_its_path_and_query() -> None:
    """Its path may be a secret of the receiver's."""
    assert read_url("HTTPS://Hooks.Example.com:443/A/b?C=d", frozenset()) == "https://hooks.example.com/A/b?C=d"
    trusted = frozenset({"127.0.0.1:9"})
    assert read_url("http://127.0.0.1:9/x", trusted) == "http://127.0.0.1:9/x"


def test_a_message_in_the_hands_of_a_producer_that_was_killed_is_sent_by_another(in_office: InOffice) -> None:
    """Under the same id once its lease is over; who was only slow writes nothing."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=there.url))
            await office.write("msg_1")
            (taken,) = await office.outbox.take("the-dead-one", 9)
            await office.post(LEASE_MS - 1)
            assert there.received == []
            await office.post(1)
            assert there.ids() == [taken.id]
            settled = office.outbox.settle(taken.id, "the-dead-one", DeliveryState.PENDING, note="late", due_in_ms=0)
            assert await settled is False
            assert await office.notes(DeliveryState.DELIVERED) == [("msg_1", 2, "HTTP 204")]

    in_office(scenario)


def test_many_producers_deliver_each_message_once(in_office: InOffice) -> None:
    """More of them than one takes at a time."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=there.url))
            ids = [f"msg_{number}" for number in range(50)]
            await office.write(*ids)
            await asyncio.gather(*(office.sender().post() for _ in range(4)))
            assert sorted(there.ids()) == sorted(ids)

    in_office(scenario)


def test_a_channel_that_is_deleted_takes_its_messages_along(in_office: InOffice) -> None:
    """Those on their way, too, and its secret."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=there.url))
            await office.write("msg_1")
            await office.channels.delete("ops")
            await office.write("msg_2")
            await office.post()
            assert there.received == []
            left = [*office.redis.scan_iter("*channel*"), *office.redis.scan_iter("*deliver*")]
            assert left == []

    in_office(scenario)


def test_no_secret_is_logged_or_kept_as_it_is(in_office: InOffice) -> None:
    """Neither where it is used nor where it cannot be opened; the URL may hold one, too."""

    async def scenario(office: Office) -> None:
        async with receiver() as there, open_session(frozenset({there.host})) as office.session:
            await office.open(channel(url=f"{there.url}/canary-in-the-path"))
            there.answers += [(500, {"X-Canary": "canary-of-the-receiver"})]
            await office.write("msg_1")
            with logged() as written:
                await office.post()
                await office.channels.save(channel("moved"), secret=VAULT.seal("another", SECRET))
                await office.write("msg_2", to="ch-moved")
                await office.post()
            assert written.getvalue().count("notification_posted") == 2
            hashes = await office.store.hashes(["segment-export:channel:ch-ops", "segment-export:delivery:msg_1"])
            kept = b"".join(value for fields in hashes for value in fields.values())
            (note,) = await office.notes(DeliveryState.PENDING, "ch-moved")
            assert "its secret cannot be opened" in (note[2] or "")
            for canary in (SECRET.get_secret_value(), SECRET.get_secret_value()[6:30]):
                assert canary not in written.getvalue()
                assert canary.encode() not in kept
            assert "canary" not in written.getvalue()

    in_office(scenario)


# E-mail ------------------------------------------------------------------------------------------------------------------


def letter_box(**changes: Any) -> Channel:
    """A channel to two addresses."""
    said = {"kind": ChannelKind.EMAIL, "url": None, "addresses": ("night@ops.test", "day@ops.test")}
    return channel(**said | changes)


def server_at(port: int, **changes: Any) -> MailServer:
    """A mail server on this machine."""
    said: dict[str, Any] = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "export@ops.test"}
    return MailServer(**said | changes)


def test_an_e_mail_says_what_a_webhook_says_to_all_addresses(in_office: InOffice) -> None:
    """With a subject, and an id by which a second copy is known."""

    async def scenario(office: Office) -> None:
        async with mail_server() as box:
            office.mail = Mail(server_at(box.port))
            await office.open(letter_box())
            await office.write("msg_1")
            await office.post()
            (mail,) = box.mails
            assert (mail["From"], mail["To"]) == ("export@ops.test", "night@ops.test, day@ops.test")
            assert mail["Subject"] == "[segment-export] It failed."
            assert mail["Message-ID"] == "<msg_1@segment-export.invalid>"
            assert mail["Auto-Submitted"] == "auto-generated"
            assert "It failed." in mail.get_content()
            assert office.posted == [SendReport(ChannelKind.EMAIL, AttemptOutcome.DELIVERED)]

    in_office(scenario)


def test_mail_is_handed_in_over_tls_with_a_login_where_that_is_set(in_office: InOffice, tmp_path: Path) -> None:
    """To a server whose certificate is trusted; another one hears no password."""

    async def scenario(office: Office) -> None:
        server, client = certificate(tmp_path)
        async with mail_server(server, login=("export", "canary-word")) as box:
            said = {"security": "starttls", "user": "export", "password": SecretStr("canary-word")}
            office.mail = Mail(server_at(box.port, **said), client)
            await office.open(letter_box())
            await office.write("msg_1")
            await office.post()
            assert (len(box.mails), box.over_tls) == (1, [True])
            office.mail = Mail(server_at(box.port, **said))
            await office.write("msg_2")
            with logged() as written:
                await office.post()
            ((_, _, note),) = await office.notes(DeliveryState.PENDING)
            assert note is not None
            assert note.startswith("no mail server: ")
            assert len(box.mails) == 1
            office.mail = Mail(server_at(box.port, **said | {"password": SecretStr("canary-wrong")}), client)
            await office.post(60 * SECOND_MS)
            assert await office.notes(DeliveryState.PENDING) == [("msg_2", 2, "the mail server answered 535")]
            assert "canary" not in written.getvalue()

    in_office(scenario)


def test_addresses_that_a_mail_server_does_not_know_are_counted_and_not_repeated(in_office: InOffice) -> None:
    """If it knows none of them, the message is dead at once."""

    async def scenario(office: Office) -> None:
        async with mail_server() as box:
            office.mail = Mail(server_at(box.port))
            await office.open(letter_box())
            box.unknown = {"night@ops.test"}
            await office.write("msg_1")
            await office.post()
            note = "handed in; 1 of 2 addresses were refused"
            assert await office.notes(DeliveryState.DELIVERED) == [("msg_1", 1, note)]
            box.unknown = {"night@ops.test", "day@ops.test"}
            await office.write("msg_2")
            with logged() as written:
                await office.post()
            assert await office.notes(DeliveryState.DEAD) == [("msg_2", 1, "every address was refused: 550")]
            assert "ops.test" not in written.getvalue()

    in_office(scenario)


def test_a_mail_server_that_is_down_is_tried_again(in_office: InOffice) -> None:
    """Then the mail arrives."""

    async def scenario(office: Office) -> None:
        async with mail_server() as box:
            office.mail = Mail(server_at(1))
            await office.open(letter_box())
            await office.write("msg_1")
            await office.post()
            ((_, _, note),) = await office.notes(DeliveryState.PENDING)
            assert note is not None
            assert note.startswith("no mail server: ")
            office.mail = Mail(server_at(box.port))
            await office.post(5 * SECOND_MS)
            assert len(box.mails) == 1

    in_office(scenario)
