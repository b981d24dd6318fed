"""A real Prometheus and a real Alertmanager that watch a local stack with the rules that are shipped, in a hurry.

Only their intervals and the place where alerts arrive are made for the test; rules, routes and inhibitions are the shipped ones.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from deploy.local import processes
from deploy.local.processes import Program
from deploy.local.stack import Stack, is_well
from deploy.local.valkey import free_port
from tests.deployed import DEPLOY
from wire.process.settings import PREFIX

PROMETHEUS: Final = "prometheus"
ALERTMANAGER: Final = "prometheus-alertmanager"
"""The programs' names in Debian."""

LOOK_SECONDS: Final = 0.2
ANSWER_SECONDS: Final = 60.0
INTERVAL: Final = "1s"


class Watch:
    """What a person with a browser and a pager sees."""

    def __init__(self, prometheus: str, arrived: "SimpleQueue[dict[str, Any]]") -> None:
        self.prometheus = prometheus
        self._arrived = arrived

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What a query answers now."""
        found = self._ask("query", query=expression)
        assert found["resultType"] == "vector", expression
        return list(found["result"])

    def await_answer(self, expression: str) -> list[dict[str, Any]]:
        """What a query answers as soon as it answers anything."""
        until = time.monotonic() + ANSWER_SECONDS
        while not (found := self.query(expression)):
            assert time.monotonic() < until, f"no answer to {expression}"
            time.sleep(LOOK_SECONDS)
        return found

    def series(self, selector: str) -> list[dict[str, str]]:
        """The series that a selector finds."""
        return list(self._ask("series", **{"match[]": selector}))

    def alerts_since(self, began: float) -> set[str]:
        """The alerts that fired at any time since then."""
        span = max(1, round(time.time() - began) + 1)
        told = self.query(f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{span}s]))')
        return {each["metric"]["alertname"] for each in told}

    def await_alert(self, name: str, *, within_seconds: float) -> dict[str, Any]:
        """The alert of this name, as soon as Alertmanager brings it; others are let go by."""
        until = time.monotonic() + within_seconds
        while True:
            try:
                alert = self._arrived.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                raise AssertionError(f"{name} did not arrive within {within_seconds:.0f} s") from None
            if alert["labels"]["alertname"] == name:
                return alert

    def _ask(self, call: str, **parameters: str) -> Any:
        url = f"http://{self.prometheus}/api/v1/{call}?{urlencode(parameters)}"
        with urlopen(url, timeout=10) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        return document["data"]


@contextmanager
def another_producer(stack: Stack, directory: Path) -> Iterator[str]:
    """Have a second producer beside the stack's own, on the same record; its address."""
    address = f"127.0.0.1:{free_port()}"
    own = stack._producer()
    environment = {**own.environment, f"{PREFIX}LISTEN": address}
    program = Program("producer-2", own.command, environment, lambda: is_well(address, "/readyz"))
    running = processes.start(program, directory)
    try:
        running.await_ready()
        yield address
    finally:
        processes.stop(directory, [program.name])
        running.reap()


@contextmanager
def watched(stack: Stack, producers: Sequence[str], directory: Path) -> Iterator[Watch]:
    """Have a stack scraped, its rules evaluated and its alerts brought."""
    prometheus, alertmanager = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    with ExitStack() as undo:
        arrived, pager = undo.enter_context(_pager())
        directory.mkdir()
        undo.callback(processes.stop, directory, [PROMETHEUS, ALERTMANAGER])
        programs = [
            _alertmanager(directory, alertmanager, pager),
            _prometheus(directory, prometheus, alertmanager, producers, stack.workers),
        ]
        running = [processes.start(program, directory) for program in programs]
        for each in running:
            undo.callback(each.reap)
        undo.callback(processes.stop, directory, [PROMETHEUS, ALERTMANAGER])
        for each in running:
            each.await_ready()
        yield Watch(prometheus, arrived)


def _prometheus(
    directory: Path, address: str, alertmanager: str, producers: Sequence[str], workers: Sequence[str]
) -> Program:
    config = {
        "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": [str(DEPLOY / "prometheus" / "rules.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [
            {"job_name": "producer", "static_configs": [{"targets": list(producers)}]},
            {"job_name": "worker", "static_configs": [{"targets": list(workers)}]},
        ],
    }
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    command = (
        PROMETHEUS,
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address={address}",
        "--rules.alert.resend-delay=1s",
    )
    return Program(PROMETHEUS, command, _path(), lambda: is_well(address, "/-/ready"))


def _alertmanager(directory: Path, address: str, pager: str) -> Program:
    config = yaml.safe_load((DEPLOY / "prometheus" / "alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "0s", "group_interval": INTERVAL}
    config["receivers"] = [{"name": each["name"], "webhook_configs": [{"url": pager}]} for each in config["receivers"]]
    file = directory / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    command = (
        ALERTMANAGER,
        f"--config.file={file}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    )
    return Program(ALERTMANAGER, command, _path(), lambda: is_well(address, "/-/ready"))


def _path() -> Mapping[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@contextmanager
def _pager() -> Iterator[tuple["SimpleQueue[dict[str, Any]]", str]]:
    """Where alerts arrive: a queue of those that fire, and its address."""
    arrived: SimpleQueue[dict[str, Any]] = SimpleQueue()

    class Pager(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for alert in json.loads(body)["alerts"]:
                if alert["status"] == "firing":
                    arrived.put(alert)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's signature
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pager)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield arrived, f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
