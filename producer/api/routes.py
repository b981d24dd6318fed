"""Every call of the API, in one table: the only place where it is said who may do what."""

from typing import Final

from producer.api import connections, events, exports, rejects, rotation, runs, segments, snapshots, standing, tokens
from producer.api.bodies import (
    ConnectionBody,
    ConnectionChange,
    DemandBody,
    EventBody,
    ExportBody,
    ExportChange,
    NothingBody,
    ResumeBody,
    TokenBody,
)
from producer.api.documents import (
    CheckDocument,
    ConnectionDeleted,
    ConnectionDocument,
    ConnectionShown,
    DeadEventDocument,
    EventDocument,
    ExportDeleted,
    ExportDocument,
    Page,
    PreviewDocument,
    SecretsRotated,
    SegmentDocument,
    StandingDocument,
    TokenDocument,
    TokenIssued,
)
from producer.api.run_documents import OpenedDocument, RunDocument, SteeredDocument
from producer.api.table import Parameter, Route
from wire.tokens import Role

ADMIN: Final = frozenset({Role.ADMIN})
PUBLISHERS: Final = frozenset({Role.ADMIN, Role.PUBLISHER})
READERS: Final = frozenset({Role.ADMIN, Role.CONTRIBUTOR, Role.VIEWER})
WRITERS: Final = frozenset({Role.ADMIN, Role.CONTRIBUTOR})
"""Of exports and what comes of them; contributors over connections that are open to them, which `openness` looks after."""

PREVIEWERS: Final = frozenset({Role.ADMIN, Role.CONTRIBUTOR})
"""Of snapshots that nobody has exported yet: they are of no connection."""

ANYBODY: Final = frozenset(Role)

TEXT: Final = {"type": "string"}
LIMIT: Final = Parameter(
    "limit", "query", "How many items.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
)
PAGING: Final = (LIMIT, Parameter("after", "query", "The `next` of the part before.", TEXT))
OF_EXPORT: Final = Parameter("export", "query", "Only runs of the export of this name.", TEXT)
ONCE: Final = Parameter(
    "Idempotency-Key",
    "header",
    "The same key with the same demand opens nothing new, for 14 days.",
    {"type": "string", "maxLength": 255, "pattern": "^[ -~]*$"},
)
STATE: Final = Parameter(
    "state", "query", "`dead`: the events that could not be taken.", {"type": "string", "enum": ["dead"]}, required=True
)
DEAD_AFTER: Final = Parameter(
    "after", "query", "The `next` of the part before.", {"type": "string", "pattern": "^(\\d{1,15}-\\d{1,15})?$"}
)
FORMAT: Final = Parameter(
    "format", "query", "Instead of the Accept header.", {"type": "string", "enum": ["ndjson", "csv"]}
)
FATE: Final = Parameter(
    "fate",
    "query",
    "`held_back`: instead, those known to be refused, whose data did not change.",
    {"type": "string", "enum": ["held_back"]},
)
SNAPSHOT: Final = Parameter(
    "snapshot", "query", "A URI or an absolute path, as a run names it.", TEXT | {"minLength": 1}, required=True
)

ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/connections",
        handler=connections.create,
        roles=ADMIN,
        says="Connect an ActiveCampaign account: host and key are checked first.",
        status=201,
        body=ConnectionBody,
        answer=ConnectionDocument,
        refusals=(409,),
    ),
    Route(
        method="GET",
        path="/v1/connections",
        handler=connections.show_all,
        roles=READERS,
        says="List connections by name: all of each for administrators, name and type for others.",
        answer=Page[ConnectionShown],
        parameters=PAGING,
        refusals=(422,),
    ),
    Route(
        method="GET",
        path="/v1/connections/{name}",
        handler=connections.show,
        roles=READERS,
        says="Show a connection, never its key: all of it for administrators, name and type for others.",
        answer=ConnectionShown,
    ),
    Route(
        method="PATCH",
        path="/v1/connections/{name}",
        handler=connections.change,
        roles=ADMIN,
        says="Change a connection; another host or key is checked first.",
        body=ConnectionChange,
        patches=True,
        answer=ConnectionDocument,
        refusals=(409,),
    ),
    Route(
        method="DELETE",
        path="/v1/connections/{name}",
        handler=connections.delete,
        roles=ADMIN,
        says="Delete a connection and its key, detach its exports and end its runs.",
        answer=ConnectionDeleted,
    ),
    Route(
        method="POST",
        path="/v1/connections/{name}/check",
        handler=connections.check,
        roles=ADMIN,
        says="Look whether host and key are still good.",
        body=NothingBody,
        needs_body=False,
        answer=CheckDocument,
    ),
    Route(
        method="POST",
        path="/v1/exports",
        handler=exports.create,
        roles=WRITERS,
        says="Save an export: the list is checked first, nothing runs.",
        status=201,
        body=ExportBody,
        answer=ExportDocument,
        refusals=(409,),
    ),
    Route(
        method="GET",
        path="/v1/exports",
        handler=exports.show_all,
        roles=READERS,
        says="List exports by name.",
        answer=Page[ExportDocument],
        parameters=PAGING,
        refusals=(422,),
    ),
    Route(
        method="GET",
        path="/v1/exports/{name}",
        handler=exports.show,
        roles=READERS,
        says="Show an export.",
        answer=ExportDocument,
    ),
    Route(
        method="PATCH",
        path="/v1/exports/{name}",
        handler=exports.change,
        roles=WRITERS,
        says="Change an export; runs under way keep their copy.",
        body=ExportChange,
        patches=True,
        answer=ExportDocument,
        refusals=(409,),
    ),
    Route(
        method="DELETE",
        path="/v1/exports/{name}",
        handler=exports.delete,
        roles=WRITERS,
        says="Delete an export and cancel its runs.",
        answer=ExportDeleted,
    ),
    Route(
        method="POST",
        path="/v1/exports/{name}/runs",
        handler=runs.open_run,
        roles=WRITERS,
        says="Run an export on demand.",
        status=202,
        body=DemandBody,
        needs_body=False,
        answer=OpenedDocument,
        parameters=(ONCE,),
        refusals=(409,),
    ),
    Route(
        method="GET",
        path="/v1/segments",
        handler=segments.show_all,
        roles=READERS,
        says="List every segment heard of or named by an export.",
        answer=Page[SegmentDocument],
        parameters=PAGING,
        refusals=(422,),
    ),
    Route(
        method="GET",
        path="/v1/snapshots/preview",
        handler=snapshots.preview,
        roles=PREVIEWERS,
        says="Show a snapshot's columns and its first ten rows, addresses masked.",
        answer=PreviewDocument,
        parameters=(SNAPSHOT,),
        refusals=(422,),
    ),
    Route(
        method="POST",
        path="/v1/events",
        handler=events.accept,
        roles=PUBLISHERS,
        says="Take a CloudEvents 1.0 `segment.refreshed`, structured or binary, once.",
        status=202,
        body=EventBody,
        answer=EventDocument,
        refusals=(409,),
    ),
    Route(
        method="GET",
        path="/v1/events",
        handler=events.show_dead,
        roles=READERS,
        says="List events of the stream that could not be taken, the newest first, with the reason.",
        answer=Page[DeadEventDocument],
        parameters=(LIMIT, DEAD_AFTER, STATE),
        refusals=(422,),
    ),
    Route(
        method="GET",
        path="/v1/runs",
        handler=runs.show_all,
        roles=READERS,
        says="List runs, the newest first.",
        answer=Page[RunDocument],
        parameters=(*PAGING, OF_EXPORT),
        refusals=(404, 422),
    ),
    Route(
        method="GET",
        path="/v1/runs/{id}",
        handler=runs.show,
        roles=READERS,
        says="Show a run with its books.",
        answer=RunDocument,
    ),
    Route(
        method="GET",
        path="/v1/runs/{id}/rejects",
        handler=rejects.show,
        roles=WRITERS,
        says="Stream one line for every invalid or refused profile: row, email, fate, code, reason.",
        parameters=(FORMAT, FATE),
        media=(rejects.NDJSON, rejects.CSV),
        refusals=(422,),
    ),
    Route(
        method="POST",
        path="/v1/runs/{id}/cancel",
        handler=runs.cancel,
        roles=WRITERS,
        says="End a run at a chunk's edge.",
        status=202,
        body=NothingBody,
        needs_body=False,
        answer=SteeredDocument,
    ),
    Route(
        method="POST",
        path="/v1/runs/{id}/pause",
        handler=runs.pause,
        roles=WRITERS,
        says="Stop sending at a chunk's edge.",
        status=202,
        body=NothingBody,
        needs_body=False,
        answer=SteeredDocument,
    ),
    Route(
        method="POST",
        path="/v1/runs/{id}/resume",
        handler=runs.resume,
        roles=WRITERS,
        says="Go on after a pause or a block.",
        status=202,
        body=ResumeBody,
        needs_body=False,
        answer=SteeredDocument,
    ),
    Route(
        method="POST",
        path="/v1/runs/{id}/retry",
        handler=runs.retry,
        roles=WRITERS,
        says="Open a run for those whom a run that is over left refused, unconfirmed or unsent.",
        status=202,
        body=NothingBody,
        needs_body=False,
        answer=SteeredDocument,
        refusals=(409,),
    ),
    Route(
        method="POST",
        path="/v1/tokens",
        handler=tokens.issue,
        roles=ADMIN,
        says="Issue a token with a role and an end; it is told this once.",
        status=201,
        body=TokenBody,
        answer=TokenIssued,
        refusals=(409,),
    ),
    Route(
        method="GET",
        path="/v1/tokens",
        handler=tokens.show_all,
        roles=ADMIN,
        says="List tokens by name, with when each was last used.",
        answer=Page[TokenDocument],
        parameters=PAGING,
        refusals=(422,),
    ),
    Route(
        method="DELETE",
        path="/v1/tokens/{name}",
        handler=tokens.revoke,
        roles=ADMIN,
        says="Revoke a token: it is nobody's from then on.",
        answer=TokenDocument,
    ),
    Route(
        method="POST",
        path="/v1/secrets/rotate",
        handler=rotation.rotate,
        roles=ADMIN,
        says="Seal every connection's API key anew with the first of SECRET_KEYS.",
        body=NothingBody,
        needs_body=False,
        answer=SecretsRotated,
    ),
    Route(
        method="GET",
        path="/openapi.json",
        handler=standing.describe,
        roles=ANYBODY,
        says="Describe this API as OpenAPI 3.1.",
        media=("application/json",),
    ),
    Route(
        method="GET",
        path="/healthz",
        handler=standing.healthz,
        roles=None,
        says="Say that the process answers.",
        answer=StandingDocument,
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=standing.readyz,
        roles=None,
        says="Say whether the producer can work; 503 with what is in the way.",
        answer=StandingDocument,
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=standing.metrics,
        roles=None,
        says="Show the metrics in Prometheus's form.",
        media=("text/plain",),
    ),
)
