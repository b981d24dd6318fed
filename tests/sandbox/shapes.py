"""Lists, contacts, fields and users as JSON in the vendor's shape, so that a client meets every key that a real answer has.

Keys and their odd values (numbers as strings, `0000-00-00`) are those of the examples in the vendor's OpenAPI description; what
the sandbox does not simulate keeps the example's value.
"""

from datetime import datetime, timedelta, timezone
from hashlib import md5
from typing import Final

from tests.sandbox.account import Contact, MailingList, Status

_BASE: Final = "https://sandbox.api-us1.test/api/3"
_EVER: Final = "2026-01-01T00:00:00-06:00"
_NEVER: Final = "0000-00-00 00:00:00"
_TIME_ZONE: Final = timezone(timedelta(hours=-6))

_LIST: Final[dict[str, object]] = {
    "userid": "1",
    "p_use_tracking": "1",
    "p_use_analytics_read": "0",
    "p_use_analytics_link": "0",
    "p_use_twitter": "0",
    "p_use_facebook": "0",
    "p_embed_image": "1",
    "p_use_captcha": "1",
    "send_last_broadcast": "0",
    "private": "0",
    "analytics_domains": None,
    "analytics_source": "",
    "analytics_ua": "",
    "twitter_token": "",
    "twitter_token_secret": "",
    "facebook_session": None,
    "carboncopy": None,
    "subscription_notify": None,
    "unsubscription_notify": None,
    "require_name": "0",
    "get_unsubscribe_reason": "0",
    "to_name": "Subscriber",
    "optinoptout": "1",
    **dict.fromkeys(("sender_name", "sender_addr1", "sender_addr2", "sender_city", "sender_state"), ""),
    **dict.fromkeys(("sender_zip", "sender_country", "sender_phone"), ""),
    "sender_url": "http://www.example.org",
    "sender_reminder": "You signed up for my mailing list.",
    "fulladdress": "",
    "optinmessageid": "0",
    "optoutconf": "0",
    "deletestamp": None,
    "udate": None,
}

_CONTACT: Final[dict[str, object]] = {
    "cdate": _EVER,
    "orgid": "0",
    "orgname": "",
    "segmentio_id": "",
    "bounced_soft": "0",
    "bounced_date": "0000-00-00",
    "ip": "0",
    "ua": "",
    "socialdata_lastcheck": _NEVER,
    "email_local": "",
    "email_domain": "",
    "sentcnt": "0",
    "rating_tstamp": "0000-00-00",
    "gravatar": "0",
    "deleted": "0",
    "anonymized": "0",
    "adate": _EVER,
    "udate": _EVER,
    "deleted_at": _NEVER,
    "created_utc_timestamp": "2026-01-01 06:00:00",
    "updated_utc_timestamp": "2026-01-01 06:00:00",
    "email_empty": False,
    "organization": None,
}

_MEMBERSHIP: Final[dict[str, object]] = {
    "form": None,
    "seriesid": "0",
    "sdate": _EVER,
    "udate": _EVER,
    "responder": "1",
    "sync": "0",
    "unsubreason": "",
    "campaign": None,
    "message": None,
    "ip4Sub": "0",
    "sourceid": "3",
    "autosyncLog": None,
    "ip4_last": "0",
    "ip4Unsub": "0",
    "unsubscribeAutomation": None,
    "automation": None,
    "created_timestamp": _NEVER,
    "updated_timestamp": _NEVER,
    "created_by": None,
    "updated_by": None,
}

_CONTACT_LINKS: Final = (
    *("bounceLogs", "contactAutomations", "contactData", "contactGoals", "contactLists", "contactLogs", "contactTags"),
    *("contactDeals", "deals", "fieldValues", "geoIps", "notes", "organization", "plusAppend", "trackingLogs"),
    *("scoreValues", "accountContacts", "automationEntryCounts"),
)
_MEMBERSHIP_LINKS: Final = (
    "automation",
    "list",
    "contact",
    "form",
    "autosyncLog",
    "campaign",
    "unsubscribeAutomation",
    "message",
)

_FIELD: Final[dict[str, object]] = {
    "descript": None,
    "type": "text",
    "isrequired": "0",
    "defval": None,
    "show_in_list": "0",
    "rows": "0",
    "cols": "0",
    "visible": "1",
    "service": "",
    "cdate": _EVER,
    "udate": _EVER,
    "options": [],
    "relations": [],
}


def user() -> dict[str, object]:
    """The user whose key it is."""
    return {
        "username": "jdoe",
        "firstName": "John",
        "lastName": "Doe",
        "email": "johndoe@example.com",
        "phone": "",
        "signature": None,
        "links": _links("users/1", "lists", "userGroup", "dealGroupTotals", "dealGroupUsers", "configs"),
        "id": "1",
    }


def mailing_list(one: MailingList, account_made: int) -> dict[str, object]:
    """A list, made as long after its account (unix seconds) as its id says, and told in the account's time zone."""
    return {
        **_LIST,
        "cdate": datetime.fromtimestamp(account_made + one.id, _TIME_ZONE).isoformat(),
        "stringid": one.name.lower().replace(" ", "-"),
        "name": one.name,
        "links": _links(f"lists/{one.id}", "contactGoalLists", "user", "addressLists"),
        "id": str(one.id),
        "user": "1",
    }


def contact(one: Contact, *, bounced: bool) -> dict[str, object]:
    """A contact."""
    return {
        **_CONTACT,
        "email": one.email,
        "phone": one.phone,
        "firstName": one.first_name,
        "lastName": one.last_name,
        "bounced_hard": str(int(bounced)),
        "hash": md5(one.email.encode(), usedforsecurity=False).hexdigest(),
        "links": _links(f"contacts/{one.id}", *_CONTACT_LINKS),
        "id": str(one.id),
    }


def field_values(one: Contact) -> list[dict[str, object]]:
    """A contact's values of custom fields."""
    return [
        {
            "contact": str(one.id),
            "field": str(number),
            "value": value,
            "cdate": _EVER,
            "udate": _EVER,
            "created_by": None,
            "updated_by": None,
            "links": _links(f"fieldValues/{one.id}{number}", "owner", "field"),
            "id": f"{one.id}{number}",
            "owner": str(one.id),
        }
        for number, value in one.fields.items()
    ]


def membership(one: Contact, on: MailingList, status: Status) -> dict[str, object]:
    """A contact's standing on a list."""
    return {
        **_MEMBERSHIP,
        "contact": str(one.id),
        "list": str(on.id),
        "status": str(int(status)),
        "first_name": one.first_name,
        "last_name": one.last_name,
        "links": _links(f"contactLists/{one.id}{on.id}", *_MEMBERSHIP_LINKS),
        "id": f"{one.id}{on.id}",
    }


def custom_field(number: int, title: str) -> dict[str, object]:
    """A custom field."""
    return {
        **_FIELD,
        "title": title,
        "perstag": title.upper().replace(" ", "_"),
        "ordernum": str(number),
        "links": _links(f"fields/{number}", "options", "relations"),
        "id": str(number),
    }


def _links(of: str, *names: str) -> dict[str, str]:
    return {name: f"{_BASE}/{of}/{name}" for name in names}
