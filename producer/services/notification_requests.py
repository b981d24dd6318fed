"""What may be said to the API of notification channels; `bodies` has everything else."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from producer.contacts.email_addresses import Address, read_address
from producer.notifications.messages import NotificationEvent
from producer.notifications.signing import check_secret
from producer.services.bodies import Body
from producer.services.requests import Name, SnapshotText

ADDRESSES_MAX: Final = 50
EVENTS: Final = tuple(event.value for event in NotificationEvent)


def _address(text: str) -> str:
    match read_address(text):
        case Address(sent):
            return sent
        case wrong:
            raise ValueError(f"is no e-mail address: {wrong.reason}")


def _each_once(items: list[str]) -> list[str]:
    if len(set(items)) < len(items):
        raise ValueError("names something twice")
    return items


MailAddress = Annotated[str, AfterValidator(_address)]
EventName = Literal["failed", "partial", "blocked", "will_miss_budget", "stale", "recovered"]
Secret = Annotated[
    SecretStr,
    AfterValidator(check_secret),
    Field(json_schema_extra={"pattern": r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$"}),
]


class NotificationBody(Body):
    """A new channel: a webhook has a `url`, an e-mail has `addresses`.

    It is told of these `events`, of the `exports` that are named or of all. Without a `secret` a webhook is given one, which the
    answer shows this once.
    """

    name: Name
    kind: Literal["webhook", "email"]
    url: Annotated[SnapshotText | None, Field(validate_default=True)] = None
    addresses: Annotated[
        list[MailAddress], AfterValidator(_each_once), Field(max_length=ADDRESSES_MAX, validate_default=True)
    ] = Field(default_factory=list)
    events: Annotated[list[EventName], AfterValidator(_each_once), Field(min_length=1)] = Field(
        default_factory=lambda: list(EVENTS)
    )
    exports: Annotated[list[Name], AfterValidator(_each_once), Field(min_length=1)] | None = None
    secret: Secret | None = None
    enabled: bool = True

    @field_validator("url")
    @classmethod
    def _is_of_a_webhook(cls, url: str | None, before: ValidationInfo) -> str | None:
        """Hold url and kind together."""
        match before.data.get("kind"):
            case "webhook" if url is None:
                raise ValueError("is needed by a webhook")
            case "email" if url is not None:
                raise ValueError("is for webhooks")
        return url

    @field_validator("addresses")
    @classmethod
    def _are_of_an_email(cls, addresses: list[str], before: ValidationInfo) -> list[str]:
        """Hold addresses and kind together."""
        match before.data.get("kind"):
            case "email" if not addresses:
                raise ValueError("are needed by an e-mail")
            case "webhook" if addresses:
                raise ValueError("are for e-mails")
        return addresses

    @field_validator("secret")
    @classmethod
    def _signs_webhooks(cls, secret: SecretStr | None, before: ValidationInfo) -> SecretStr | None:
        """Hold secret and kind together."""
        if secret is not None and before.data.get("kind") == "email":
            raise ValueError("is for webhooks")
        return secret


class NotificationChange(NotificationBody):
    """A channel after a change; without a secret the old one stays."""
