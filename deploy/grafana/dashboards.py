"""What the three dashboards show: Fleet (who is late), Run (one export), Plumbing (what is inside the pipes).

Figures of the record are put together with max or min, since every producer tells the same; counters of workers are summed.
"""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.panels import dashboard, dashed, figure, heat, lines, rows

UNDER_WAY: Final = 'state=~"queued|surveying|delivering|confirming|paused|blocked"'
CHOSEN: Final = 'export="$export"'
OF_ITS_CONNECTION: Final = f"* on (connection) group_left () max by (connection) (segment_export_run_info{{{CHOSEN}}})"
"""Narrows figures of connections to the one of the chosen export."""


def dashboards() -> Mapping[str, Dashboard]:
    """All of them, by the names of their files."""
    return {"fleet": fleet(), "run": run(), "plumbing": queue_stats_store()}


def fleet() -> Dashboard:
    """All exports against their budgets."""
    return dashboard(
        "segment-export-fleet",
        "Segment export: fleet",
        "All exports against their budgets: who is late, what the accounts' allowances are used for, and by how many workers.",
        {
            "Now": [
                figure("Late", "Exports foreseen to end after their deadline.", _late_count(), warns_from=1),
                figure(
                    "Under way",
                    "Exports with a run that is not over.",
                    _count(f"segment_export_run_state{{{UNDER_WAY}}}"),
                ),
                figure(
                    "Blocked",
                    "Exports that wait for a person.",
                    'count(max by (export) (segment_export_run_state{state="blocked"})) or vector(0)',
                    warns_from=1,
                ),
                figure("Workers wanted", "What the allowances can keep busy.", "max(segment_export_workers_wanted)"),
                figure(
                    "Workers present",
                    "Workers that renewed their leases lately.",
                    "max(segment_export_workers_present)",
                ),
                figure(
                    "Alerts",
                    "Alerts of ours that fire.",
                    'count(ALERTS{alertname=~"SegmentExport.*",alertstate="firing"}) or vector(0)',
                    warns_from=1,
                ),
            ],
            "Exports": [
                lines(
                    "Time left at the projected finish",
                    "From the projected finish to the deadline; below zero it will be late.",
                    {
                        "{{export}}": "max by (export) (segment_export_run_deadline_timestamp_seconds)"
                        " - max by (export) (segment_export_run_projected_finish_timestamp_seconds)"
                    },
                    unit="s",
                ),
                rows("State", "Each export's newest run.", "max by (export, state) (segment_export_run_state)"),
                lines(
                    "Contacts that are pending",
                    "Selected, and without a fate.",
                    {"{{export}}": 'max by (export) (segment_export_run_contacts{state="pending"})'},
                ),
                lines(
                    "Contacts a minute",
                    "Over all exports: queued at ActiveCampaign, and what came of them.",
                    {"{{outcome}}": "60 * sum by (outcome) (rate(segment_export_contacts_total[$__rate_interval]))"},
                ),
                rows(
                    "Age of segments",
                    "Since their last refresh.",
                    "time() - max by (segment) (segment_export_segment_refreshed_timestamp_seconds)",
                    unit="s",
                ),
                rows(
                    "Exports and connections",
                    "Which export goes where.",
                    "max by (export, connection, segment) (segment_export_run_info)",
                ),
            ],
            "Accounts": [
                lines(
                    "Allowance used",
                    "Share of the account's imports that was used in the last minute.",
                    {"{{connection}}": "max by (connection) (segment_export_allowance_used_ratio)"},
                    unit="percentunit",
                ),
                lines(
                    "Pace after throttles",
                    "The share of the imports that is used at most; a throttle halves it, and it returns by 5 % a minute.",
                    {"{{connection}}": "min by (connection) (segment_export_pace_ratio)"},
                    unit="percentunit",
                ),
            ],
        },
    )


def run() -> Dashboard:
    """One export."""
    contacts = f"max by (state) (segment_export_run_contacts{{{CHOSEN}}})"
    deadline = f"max(segment_export_run_deadline_timestamp_seconds{{{CHOSEN}}})"
    in_time = (
        f"clamp(sum({contacts}) * ({deadline} - time()) / max(segment_export_run_budget_seconds{{{CHOSEN}}}), 0, Inf)"
    )
    finish = f"max(segment_export_run_projected_finish_timestamp_seconds{{{CHOSEN}}})"
    return dashboard(
        "segment-export-run",
        "Segment export: run",
        "The newest run of one export: what became of its contacts, and whether it will be over in time.",
        {
            "Against the deadline": [
                dashed(
                    lines(
                        "Contacts by fate",
                        "The dashed line is what may still be pending if the run is to end in time at a steady pace.",
                        {"{{state}}": contacts, "may be pending": in_time},
                        stacked=True,
                    ),
                    "may be pending",
                ),
                dashed(
                    lines(
                        "Projected finish",
                        "Where the projection crosses the deadline, the run will be late.",
                        {"projected finish": f"1000 * {finish}", "deadline": f"1000 * {deadline}"},
                        unit="dateTimeAsIso",
                    ),
                    "deadline",
                ),
            ],
            "Books": [
                rows("Books", "Contacts by fate.", contacts, width=6),
                rows(
                    "State",
                    "What the run is doing, or how it ended.",
                    f"max by (state) (segment_export_run_state{{{CHOSEN}}})",
                    width=6,
                ),
                lines(
                    "Chunks",
                    "Those that wait to be sent, and batches that ActiveCampaign works off.",
                    {"{{state}}": f"max by (state) (segment_export_run_chunks{{{CHOSEN}}})"},
                ),
            ],
            "ActiveCampaign": [
                lines(
                    "Requests a second",
                    "Of the export's connection, by endpoint and status.",
                    {
                        "{{endpoint}} {{status}}": "sum by (connection, endpoint, status)"
                        f" (rate(segment_export_requests_total[$__rate_interval])) {OF_ITS_CONNECTION}"
                    },
                    unit="reqps",
                ),
                heat(
                    "Latency",
                    "Time from sending a request to its answer.",
                    "sum by (le) (sum by (connection, le)"
                    f" (increase(segment_export_request_duration_seconds_bucket[$__rate_interval])) {OF_ITS_CONNECTION})",
                ),
                lines(
                    "Throttles",
                    "Answers to this run that said that a limit was hit, and how long the gate stays closed.",
                    {
                        "throttles": f"max(segment_export_run_throttles{{{CHOSEN}}})",
                        "gate closed (s)": f"max(max by (connection) (segment_export_gate_closed_seconds) {OF_ITS_CONNECTION})",
                    },
                ),
                lines(
                    "Requests so far",
                    "Imports and polls of this run.",
                    {"requests": f"max(segment_export_run_requests{{{CHOSEN}}})"},
                ),
            ],
        },
        export="label_values(segment_export_run_state, export)",
    )


def queue_stats_store() -> Dashboard:
    """What is inside the pipes."""
    return dashboard(
        "segment-export-plumbing",
        "Segment export: plumbing",
        "Lanes, leases, bells, workers, events and the store.",
        {
            "Lanes": [
                lines(
                    "Chunks",
                    "To deliver and to confirm.",
                    {"{{connection}} {{state}}": "max by (connection, state) (segment_export_lane_chunks)"},
                ),
                lines(
                    "Chunks in workers' hands",
                    "Leased, by what is done with them.",
                    {"{{connection}} {{lane}}": "max by (connection, lane) (segment_export_leased_chunks)"},
                ),
                lines(
                    "Age of the oldest chunk that may go",
                    "Of runs that are neither paused nor blocked.",
                    {"{{connection}}": "max by (connection) (segment_export_oldest_ready_chunk_age_seconds)"},
                    unit="s",
                ),
                lines(
                    "Outcomes",
                    "A second, by verdict.",
                    {
                        "{{verdict}} kept={{kept}}": "sum by (verdict, kept) (rate(segment_export_outcomes_total[$__rate_interval]))"
                    },
                    unit="ops",
                ),
            ],
            "Bells": [
                lines(
                    "Bells in the queue", "That no worker has taken.", {"bells": "max(segment_export_queue_messages)"}
                ),
                lines(
                    "Sweeps and bells",
                    "A second, over all processes.",
                    {
                        "sweeps": "sum(rate(segment_export_sweeps_total[$__rate_interval]))",
                        "bells": "sum(rate(segment_export_bells_rung_total[$__rate_interval]))",
                    },
                    unit="ops",
                ),
            ],
            "Workers": [
                lines(
                    "Workers",
                    "Wanted, and present.",
                    {"wanted": "max(segment_export_workers_wanted)", "present": "max(segment_export_workers_present)"},
                ),
                lines(
                    "Threads",
                    "How many chunks all workers could hold, and how many they do.",
                    {"threads": "sum(segment_export_worker_threads)", "in hand": "sum(segment_export_chunks_in_hand)"},
                ),
                lines(
                    "Wait for the pacer",
                    "How long nine of ten requests waited at most.",
                    {
                        "p90": "histogram_quantile(0.9, sum by (le) (rate(segment_export_pacing_wait_seconds_bucket[$__rate_interval])))"
                    },
                    unit="s",
                ),
                rows(
                    "Versions",
                    "Of every process that is scraped.",
                    "count by (program, version, python) (segment_export_build_info)",
                ),
            ],
            "Events": [
                lines(
                    "Events that wait",
                    "In the stream, not acknowledged.",
                    {"events": "max(segment_export_event_stream_lag)"},
                ),
                lines(
                    "Dead events",
                    "That could not be taken, of the last 30 days.",
                    {"events": "max(segment_export_dead_events)"},
                ),
            ],
            "Store": [
                lines(
                    "Memory",
                    "The limit is 0 if the store has none.",
                    {
                        "used": "max(segment_export_store_memory_bytes)",
                        "limit": "max(segment_export_store_memory_limit_bytes)",
                    },
                    unit="bytes",
                ),
                rows(
                    "Settings",
                    "What explains these figures.",
                    "max without (instance, job) (segment_export_settings_info)",
                ),
            ],
        },
    )


def _count(series: str) -> str:
    return f"count(max by (export) ({series})) or vector(0)"


def _late_count() -> str:
    return "count(export:segment_export_run_late_seconds:max > 0) or vector(0)"
