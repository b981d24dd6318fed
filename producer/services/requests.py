"""What may be said to the API: a model for each request body, from which `/openapi.json` tells people the same."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from producer.input_checks import is_line
from producer.intake.schedule import CHARACTERS_MAX, check_cron, check_zone
from producer.pipeline.leaver_guard import NUMBER as GUARD_NUMBER
from producer.pipeline.leaver_guard import SHARE as GUARD_SHARE
from producer.pipeline.safeguards import NUMBER, SHARE
from producer.services.bodies import Body

DAY_MINUTES: Final = 1_440
DAYS_MIN: Final = 0.001
DAYS_MAX: Final = 3_650
"""How long a token may last."""

API_KEY_CHARACTERS_MAX: Final = 512


def _line(text: str) -> str:
    if not is_line(text):
        raise ValueError("must be one line of text, not blank")
    return text


def _header_safe(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be printable ASCII without spaces, since it travels in a header")
    if not 1 <= len(text) <= API_KEY_CHARACTERS_MAX:
        raise ValueError(f"must have 1 to {API_KEY_CHARACTERS_MAX} characters")
    return SecretStr(text)


def _without_separators(tag: str) -> str:
    if "," in tag or "||" in tag:
        raise ValueError("must hold neither a comma nor ||, which stand between tags")
    return tag


def _agreed(consent: bool) -> bool:  # noqa: FBT001  pydantic calls it with the value and nothing else
    if not consent:
        raise ValueError("must be true: contacts leave for ActiveCampaign")
    return consent


def _expiry(said: object) -> object:
    match said:
        case None | str():
            return said
        case bool():
            pass
        case int() | float() if DAYS_MIN <= said <= DAYS_MAX:
            return said
    raise ValueError(f"must be a time of RFC 3339 with its offset, or a number of days from {DAYS_MIN} to {DAYS_MAX}")


NAME: Final = r"^[a-z0-9-]{1,63}$"
_ODD: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
LINE: Final = rf"^[^{_ODD}]*[^\s{_ODD}][^{_ODD}]*$"
"""What `_line` takes, as JSON Schema says it."""

described_as_line = Field(json_schema_extra={"pattern": LINE})

Name = Annotated[str, StringConstraints(pattern=NAME)]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.:-]{0,255}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_line), described_as_line]
SnapshotText = Annotated[
    str, StringConstraints(min_length=1, max_length=4_096), AfterValidator(_line), described_as_line
]
TextLine = Annotated[str, described_as_line]
ColumnName = Text
Number = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,17}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Tag = Annotated[Text, AfterValidator(_without_separators)]
Agreed = Annotated[bool, AfterValidator(_agreed), Field(json_schema_extra={"const": True})]
ApiKey = Annotated[
    SecretStr,
    AfterValidator(_header_safe),
    Field(json_schema_extra={"pattern": rf"^\s*[!-~]{{1,{API_KEY_CHARACTERS_MAX}}}\s*$"}),
]
Rate = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Minutes = Annotated[float, Field(gt=0, le=30 * DAY_MINUTES, allow_inf_nan=False)]
Expiry = Annotated[
    Any,
    AfterValidator(_expiry),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "number", "minimum": DAYS_MIN, "maximum": DAYS_MAX},
                {"type": "null"},
            ]
        }
    ),
]


class LimitsBody(Body):
    """What the account lets us do; the defaults are ActiveCampaign's published figures."""

    imports_per_minute: Rate = 100
    single_imports_per_minute: Rate = 20
    requests_per_second: Rate = 5


class ConnectionBody(Body):
    """A new connection. `consent`: contacts may leave for ActiveCampaign. The key is never returned.

    `account`: which ActiveCampaign account answers at the host, where we find out the wrong one; null or empty: we find it out.
    Connections of the same account share its limits, lists and people.
    """

    name: Name
    display_name: Text | None = None
    host: Text
    api_key: ApiKey
    consent: Agreed
    allow: Literal["admins", "contributors"] = "admins"
    limits: LimitsBody = LimitsBody()
    account: AccountName | None = None


class ConnectionChange(ConnectionBody):
    """A connection after a change; without a key the old one stays. Consent ends with the connection, not before."""

    api_key: ApiKey | None = None  # type: ignore[assignment]  # a change may leave the key out
    consent: Agreed = True


class TokenBody(Body):
    """A new token. `expires`: a time of RFC 3339, or in how many days; 365 days if not said."""

    name: Name
    role: Literal["admin", "contributor", "viewer", "publisher"]
    expires: Expiry = None


class MappingBody(Body):
    """Which column becomes what; `fields` goes from the id of a custom field to a column.

    `id` is the column with the platform's id of a person, by which they are known again under another address.
    """

    email: ColumnName
    first_name: ColumnName | None = None
    last_name: ColumnName | None = None
    phone: ColumnName | None = None
    fields: dict[Number, ColumnName] = Field(default_factory=dict, json_schema_extra={"additionalProperties": False})
    tags: list[Tag] = Field(default_factory=list)
    tags_column: ColumnName | None = None
    id: ColumnName | None = None

    @field_validator("first_name", "last_name", "phone", "id")
    @classmethod
    def _is_not_the_address(cls, column: str | None, before: ValidationInfo) -> str | None:
        """Refuse the address column as another attribute: one of the two is a slip."""
        if column is not None and column == before.data.get("email"):
            raise ValueError("names the same column as email")
        return column


class LeaversFieldBody(Body):
    """The custom field that says who is in the segment: its id, and its values for those who left and for those in it."""

    id: Number
    left: Text
    present: Text


class BrakeBody(Body):
    """A run that would change more than `share` of all, and more than `number`, stops before it begins."""

    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = SHARE
    number: Annotated[int, Field(ge=0, le=1_000_000_000)] = NUMBER


class LeaversGuardBody(Body):
    """A run that would unsubscribe more than `share` of the members, or more than `number`, and at least 10, stops and asks."""

    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = GUARD_SHARE
    number: Annotated[int, Field(ge=0, le=1_000_000_000)] = GUARD_NUMBER


class ScheduleBody(Body):
    """When an export runs by itself besides refreshes: five fields as in cron, by the clocks of a time zone."""

    cron: Annotated[
        str,
        AfterValidator(check_cron),
        Field(json_schema_extra={"pattern": r"^\s*(\S+\s+){4}\S+\s*$", "maxLength": CHARACTERS_MAX}),
    ]
    zone: Annotated[str, AfterValidator(check_zone)] = "UTC"


class ExportBody(Body):
    """A new export. Without `budget_minutes` it is what the producer's settings say.

    `leavers`: members who leave the segment are kept on the list, marked in `leavers_field`, or unsubscribed, which is for
    ever and wants `confirm_unsubscribe`. `leavers_confirm`: they are unsubscribed when the next refresh agrees that they are
    gone, at once (which wants `confirm_unsubscribe`, too), or when a person accepts it, run by run. `leavers_guard`: how many a
    run may unsubscribe; null turns it off. `changed_address`: where `mapping.id` tells that somebody has another address, their
    contact is given it, or they are a leaver under the old one and a newcomer under the new one. `brake`: null turns it off.
    Runs send changes only; with `full_every_runs` or `full_every_days` one in so many sends everybody again. `schedule`: it also
    runs by the clock, over the latest snapshot. One that is not `enabled` runs only when somebody asks for it. A snapshot older
    than `stale_after_hours` is warned of; without it, what the producer's settings say counts.
    """

    name: Name
    connection: Name
    segment: Text
    list_id: Number
    mapping: MappingBody
    leavers: Literal["keep", "field", "unsubscribe"] = "keep"
    leavers_field: LeaversFieldBody | None = None
    confirm_unsubscribe: bool = False
    leavers_confirm: Literal["next_refresh", "at_once", "by_hand"] = "next_refresh"
    leavers_guard: LeaversGuardBody | None = LeaversGuardBody()
    changed_address: Literal["update", "leaver_and_newcomer"] = "update"
    brake: BrakeBody | None = BrakeBody()
    full_every_runs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    full_every_days: Annotated[float, Field(gt=0, le=3_650, allow_inf_nan=False)] | None = None
    schedule: ScheduleBody | None = None
    enabled: bool = True
    stale_after_hours: Annotated[float, Field(gt=0, le=87_600, allow_inf_nan=False)] | None = None
    automations: bool = False
    default_region: Region | None = None
    budget_minutes: Minutes | None = None
    patience_minutes: Minutes = 30
    delivery_patience_minutes: Minutes = 720

    @model_validator(mode="after")
    def _says_where_leavers_are_marked(self) -> Self:
        """Hold what is said of leavers together."""
        if (self.leavers == "field") != (self.leavers_field is not None):
            raise ValueError("leavers_field is for leavers: field, which needs it")
        if self.leavers_field is not None and self.leavers_field.id in self.mapping.fields:
            raise ValueError("leavers_field is a field that is mapped already")
        return self


class ExportChange(ExportBody):
    """An export after a change; a detached one may stay so, and a brake or a guard that a patch took away is off."""

    connection: Name | None = None  # type: ignore[assignment]  # detached
    brake: BrakeBody | None = None
    leavers_guard: LeaversGuardBody | None = None


class DemandBody(Body):
    """A run on demand; without a snapshot, the segment's latest."""

    snapshot: SnapshotText | None = None
    mode: Literal["changes", "full"] = "changes"
    dry_run: bool = False
    include_refused: bool = False


class NothingBody(Body):
    """Nothing need be said."""


class ResumeBody(Body):
    """`accept`: I have seen what the run was stopped for, and it may go on."""

    accept: bool = False


class ExplainBody(Body):
    """Who is meant; `ask`: ActiveCampaign, too, whether it has the contact."""

    email: Text
    ask: bool = False


class ForgetBody(Body):
    """Who is to be forgotten; `delete_at_activecampaign`: at every connected account, too."""

    email: Text
    delete_at_activecampaign: bool = False


class EventData(Body):
    """What a refresh says; further fields are the publisher's own. Described here, judged by `producer.intake.open_runs`."""

    model_config = ConfigDict(extra="allow")

    segment: Text
    snapshot: SnapshotText


class EventBody(Body):
    """A CloudEvents 1.0 event, structured; in binary mode the context is in `ce-` headers and `data` the body."""

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"]
    type: Literal["segment.refreshed"]
    source: TextLine
    id: TextLine
    subject: str | None = None
    time: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})] = None
    data: EventData
