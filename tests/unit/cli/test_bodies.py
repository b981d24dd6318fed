"""What was said on the command line goes into the body, and nothing else does."""

import click
import pytest

from producer.cli.bodies import connection_body, export_body, fields

SILENT = dict.fromkeys(("email", "first_name", "last_name", "phone", "tags_column", "id", "list_id", "automations"))
NOTHING_SAID = {**SILENT, "fields": (), "tags": ()}


def test_what_was_not_said_is_left_to_the_api() -> None:
    """So that its defaults are the only ones."""
    assert export_body(NOTHING_SAID) == {}
    assert connection_body({"host": None, "imports_per_minute": None} | _limits()) == {}


def test_columns_fields_and_tags_are_the_mapping() -> None:
    """Everything else stands beside it, and no is not nothing."""
    said = {
        "email": "Email",
        "fields": ("7=Tier", "8=a=b"),
        "tags": ("vip", "new"),
        "automations": False,
        "list_id": "12",
    }
    assert export_body(NOTHING_SAID | said) == {
        "list_id": "12",
        "automations": False,
        "mapping": {"email": "Email", "fields": {"7": "Tier", "8": "a=b"}, "tags": ["vip", "new"]},
    }


def test_what_is_said_empty_goes() -> None:
    """Null is how a merge patch takes a name away (RFC 7396); of tags, none are left."""
    said = {"phone": "", "fields": ("7=",), "tags": ("",)}
    assert export_body(NOTHING_SAID | said) == {"mapping": {"phone": None, "fields": {"7": None}, "tags": []}}
    assert connection_body({"display_name": ""} | _limits()) == {"display_name": None}
    assert connection_body({"account": ""} | _limits()) == {"account": None}


def test_a_schedule_is_an_object_of_cron_and_zone() -> None:
    """Either may be changed alone; said empty, it goes."""
    assert export_body(NOTHING_SAID | {"schedule": "0 6 * * *", "zone": None}) == {"schedule": {"cron": "0 6 * * *"}}
    assert export_body(NOTHING_SAID | {"schedule": None, "zone": "UTC"}) == {"schedule": {"zone": "UTC"}}
    assert export_body(NOTHING_SAID | {"schedule": "", "zone": None}) == {"schedule": None}


def test_a_brake_is_a_share_and_a_number() -> None:
    """Said empty, nothing stops a run; anything else is asked for again."""
    assert export_body(NOTHING_SAID | {"brake": "0.3:1000"}) == {"brake": {"share": 0.3, "number": 1000}}
    assert export_body(NOTHING_SAID | {"brake": ""}) == {"brake": None}
    for wrong in ("0.3", "30%:1000", ":", "0.3:many"):
        with pytest.raises(click.UsageError, match="SHARE:NUMBER"):
            export_body(NOTHING_SAID | {"brake": wrong})


def test_limits_are_an_object_of_their_own() -> None:
    """Only those that were said."""
    said = connection_body({"host": "h"} | _limits(requests_per_second=2.5))
    assert said == {"host": "h", "limits": {"requests_per_second": 2.5}}


def test_every_field_that_cannot_be_read_is_named() -> None:
    """All at once."""
    with pytest.raises(click.UsageError, match="not 'Tier', 'City'"):
        fields(("Tier", "7=Tier", "City"))


def _limits(**said: float) -> dict[str, float | None]:
    names = ("imports_per_minute", "single_imports_per_minute", "requests_per_second")
    return {name: said.get(name) for name in names}
