"""What went wrong and what to do next, in sentences for a person at a terminal; pure."""

from typing import Final

from producer.cli.tables import printable
from producer.client.errors import ApiError, NotTheApi, ProducerUnavailable, RequestRefused

OPTIONS: Final = {
    "/api_key": "--key-file",
    "/list_id": "--list",
    "/mapping/tags": "--tag",
    "/mapping/fields": "--field",
    "/brake": "--brake",
    "/leavers_guard": "--leavers-guard",
    "/leavers_field": "--leavers-field",
    "/schedule/cron": "--schedule",
    "/data/snapshot": "SNAPSHOT",
    "/data/segment": "SEGMENT",
    "/subject": "SEGMENT",
    "/name": "NAME",
    "/expires": "--days or --until",
}
"""Where a fault of a request was said on the command line, if not by the option of the same name."""


def sentences(error: ApiError) -> list[str]:
    """Say what went wrong, every fault in a line of its own, and then what to do."""
    match error:
        case RequestRefused():
            faults = [f"  {place(fault.pointer)}: {fault.detail}" for fault in error.faults]
            said = [error.detail, *faults]
        case _:
            said = [str(error)]
    return [*map(printable, said), next_step(error)]


def next_step(error: ApiError) -> str:
    """Say what whoever asked can do about it."""
    match error:
        case RequestRefused(status=401):
            return "Set SEGMENT_EXPORT_TOKEN, or say --token-file FILE or --context NAME, with a token that the producer knows."
        case RequestRefused(status=403):
            return "Ask an administrator to do this, or use a token that may."
        case RequestRefused(status=404):
            return "See what there is: `segment-export exports list`, `connections list`, `runs list`, `tokens list`."
        case RequestRefused(status=405):
            return "The producer is of another version than this command: bring both to the same."
        case RequestRefused(status=409):
            return "Look at what is there already; then say another name or id, or change what is there."
        case RequestRefused(status=status) if status >= 500:  # noqa: PLR2004  where HTTP's server errors begin
            return "Look into the producer's log."
        case RequestRefused():
            return "Mend what is named, then say it again."
        case ProducerUnavailable():
            return (
                "Try again soon. Is `segment-export serve` running there? --url or SEGMENT_EXPORT_URL says where, or the "
                "context: `segment-export context list`."
            )
        case NotTheApi() | ApiError():
            return "Check --url or SEGMENT_EXPORT_URL."


def place(pointer: str) -> str:
    """Write where a fault is as the command line calls it; a place that has no option, by its names."""
    if not pointer:
        return "the request"
    for known, option in OPTIONS.items():
        if pointer == known or pointer.startswith(f"{known}/"):
            rest = pointer.removeprefix(known).strip("/")
            return f"{option} {rest}".rstrip()
    return "--" + pointer.rpartition("/")[2].replace("_", "-")
