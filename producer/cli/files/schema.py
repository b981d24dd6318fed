"""What a file may say: the API's own models, with secrets by reference instead of secrets."""

from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from producer.services.bodies import Body
from producer.services.notification_requests import NotificationBody
from producer.services.requests import ConnectionBody, ExportBody, Name

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class KeyReference(Body):
    """Where a secret is: in a variable of the environment, or in a file, seen from the folder of this one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = ""
    file: Annotated[str, Field(min_length=1)] = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        """Hold that one place is named."""
        if len(self.model_fields_set) != 1:
            raise ValueError("must be {env: NAME} or {file: PATH}")
        return self

    def inside(self, folder: Path) -> Path:
        """Return the whole path of the file."""
        return folder.absolute() / self.file


class DeclaredConnection(ConnectionBody):
    """A connection. `consent`: contacts may leave for ActiveCampaign."""

    api_key: KeyReference  # type: ignore[assignment]  # the key itself never stands in a file


class DeclaredNotification(NotificationBody):
    """A notification channel; a webhook's `secret` is one of yours, so that it can be made again."""

    secret: Annotated[KeyReference | None, Field(validate_default=True)] = None  # type: ignore[assignment]  # a reference

    @field_validator("secret")
    @classmethod
    def _signs_webhooks(cls, secret: KeyReference | None, before: ValidationInfo) -> KeyReference | None:  # type: ignore[override]  # a reference
        """Hold secret and kind together."""
        match before.data.get("kind"):
            case "webhook" if secret is None:
                raise ValueError("is needed by a webhook: {env: NAME} or {file: PATH}")
            case "email" if secret is not None:
                raise ValueError("is for webhooks")
        return secret


class DeclaredExport(ExportBody):
    """An export; `connection` is null while it is detached. Without `budget_minutes` it stays as it is."""

    connection: Name | None  # type: ignore[assignment]  # detached
    confirm_unsubscribe: Annotated[bool, Field(validate_default=True)] = False

    @field_validator("confirm_unsubscribe")
    @classmethod
    def _is_asked_for_twice(cls, confirmed: bool, before: ValidationInfo) -> bool:  # noqa: FBT001  pydantic's signature
        """Hold that who unsubscribes people says so twice."""
        if before.data.get("leavers") == "unsubscribe" and not confirmed:
            raise ValueError("must be true: whoever leaves the segment is unsubscribed for ever")
        return confirmed


class DeclaredFile(Body):
    """Connections, exports and notification channels. A list that is not there says nothing; one that is there is the whole of its kind."""

    connections: list[DeclaredConnection] = Field(default_factory=list)
    exports: list[DeclaredExport] = Field(default_factory=list)
    notifications: list[DeclaredNotification] = Field(default_factory=list)


def schema() -> dict[str, Any]:
    """Write the JSON Schema of a document, for editors."""
    return {"$schema": DIALECT, "title": "Files of segment-export"} | DeclaredFile.model_json_schema()
