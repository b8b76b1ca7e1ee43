"""The manifests are valid, agree with each other and with Stepbox, and give no pod more rights than
it needs. `tests.deploy.run_containers` runs their containers.
"""

import re
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
import yaml
from kubernetes_validate import validate

from service.app import create_app
from service.settings import ServiceSettings
from tests.deploy.keda import SCHEMAS
from tests.deploy.manifests import (
    FOLDER,
    OVERLAYS,
    container,
    environment,
    labels,
    of_kind,
    pod,
    probes,
    render,
    selects,
    workloads,
)
from tests.processes import ROOT
from worker.settings import WorkerSettings

OLDEST = "1.30"  # the first version in which a hook can `sleep` without a feature gate
NEWEST = "1.37"
IMAGES = {"api": "service", "worker": "worker", "redis": "redis"}  # the targets of Dockerfile.gpu
SETTINGS = {"api": ServiceSettings, "worker": WorkerSettings}
OTHER_VARIABLES = {"REMAP_SIGTERM"}

EVERY_OVERLAY = pytest.mark.parametrize("overlay", OVERLAYS)
WITH_BUCKET = pytest.mark.parametrize("overlay", ["cpu", "gpu"])


@pytest.fixture
def objects(overlay):
    return render(overlay)


@EVERY_OVERLAY
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_each_object_fits_its_schema(objects, version):
    for found in objects:
        if found["apiVersion"].startswith("keda.sh/"):
            jsonschema.validate(found["spec"], SCHEMAS[found["kind"]])
        else:
            validate(found, version, strict=True)


def test_the_validation_finds_a_misspelt_field():
    deployment = yaml.safe_load((FOLDER / "base" / "worker.yaml").read_text())
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    with pytest.raises(jsonschema.ValidationError, match="terminationGracePeriod"):
        validate(deployment, NEWEST, strict=True)


@EVERY_OVERLAY
def test_all_objects_are_in_one_namespace_that_enforces_restricted_pods(objects):
    (namespace,) = of_kind(objects, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {found["metadata"]["namespace"] for found in objects if found is not namespace}
    assert others == {namespace["metadata"]["name"]}


@EVERY_OVERLAY
def test_each_pod_has_only_the_rights_that_it_needs(objects):
    for workload in workloads(objects).values():
        spec = pod(workload)
        context = spec["securityContext"]
        assert context["runAsNonRoot"]
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container(workload)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for volume in spec["volumes"]:
            (kind,) = volume.keys() - {"name"}
            assert kind in ("emptyDir", "secret", "persistentVolumeClaim")
            assert kind != "emptyDir" or "sizeLimit" in volume["emptyDir"]


@EVERY_OVERLAY
def test_each_container_says_what_it_needs_and_at_most_gets(objects):
    for workload in workloads(objects).values():
        resources = container(workload)["resources"]
        assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
        # No limit of CPU time: a container that reaches it stands still, although cores are idle.
        assert {"memory", "ephemeral-storage"} <= resources["limits"].keys()
        assert "cpu" not in resources["limits"]


def test_only_workers_of_the_overlay_gpu_have_a_gpu():
    with_gpu = {
        (overlay, name)
        for overlay in OVERLAYS
        for name, workload in workloads(render(overlay)).items()
        if "nvidia.com/gpu" in container(workload)["resources"]["limits"]
    }
    assert with_gpu == {("gpu", "worker")}


@EVERY_OVERLAY
def test_each_image_is_a_target_of_the_dockerfile(objects):
    targets = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile.gpu").read_text(), re.MULTILINE)
    for name, workload in workloads(objects).items():
        image, _, tag = container(workload)["image"].partition(":")
        assert image == f"stepbox-{IMAGES[name]}"
        assert tag
        assert IMAGES[name] in targets


@EVERY_OVERLAY
def test_each_variable_is_a_setting_with_an_allowed_value(objects, monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(f"read:{'r' * 32}")
    for name, kind in SETTINGS.items():
        variables = environment(objects, workloads(objects)[name])
        known = {f"STEPBOX_{field.upper()}" for field in kind.model_fields} | OTHER_VARIABLES
        assert variables.keys() <= known
        with monkeypatch.context() as patch:
            for variable, value in variables.items():
                is_secret = value.startswith("/run/")  # mounted
                patch.setenv(variable, str(secret) if is_secret else value)
            kind.from_environment()


@EVERY_OVERLAY
def test_each_mounted_file_of_a_setting_is_in_a_secret(objects):
    for workload in workloads(objects).values():
        folders = {mount["mountPath"] for mount in container(workload)["volumeMounts"]}
        for value in environment(objects, workload).values():
            if value.startswith("/run/"):
                assert value.rpartition("/")[0] in folders


@EVERY_OVERLAY
def test_a_container_can_write_only_to_its_volumes(objects):
    for workload in workloads(objects).values():
        volumes = {volume["name"]: volume for volume in pod(workload)["volumes"]}
        claims = workload["spec"].get("volumeClaimTemplates", [])
        volumes |= {claim["metadata"]["name"]: claim for claim in claims}
        mounts = {mount["name"]: mount for mount in container(workload)["volumeMounts"]}
        assert mounts.keys() == volumes.keys()
        assert mounts["tmp"]["mountPath"] == "/tmp"
        for name, mount in mounts.items():
            assert mount.get("readOnly", False) == ("secret" in volumes[name])


@EVERY_OVERLAY
def test_the_paths_of_probes_exist(objects, tmp_path):
    client = create_app(ServiceSettings(models_dir=tmp_path)).test_client()
    workload = workloads(objects)["api"]
    ports = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
    assert ports["http"] == ServiceSettings().port
    for probe in probes(workload):
        assert probe["httpGet"]["port"] == "http"
        # Redis does not run here. A pod is ready nevertheless, because it still predicts.
        assert client.get(probe["httpGet"]["path"]).status_code == 200


@EVERY_OVERLAY
def test_readiness_does_not_depend_on_what_all_pods_share(objects):
    path = container(workloads(objects)["api"])["readinessProbe"]["httpGet"]["path"]
    assert urlsplit(path).path == "/readyz"
    assert parse_qs(urlsplit(path).query) == {"exclude": ["queue", "worker"]}


@EVERY_OVERLAY
def test_pods_have_more_time_to_end_than_they_need(objects):
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name, workload in workloads(objects).items():
        needed = int(compose[IMAGES[name]]["stop_grace_period"].removesuffix("s"))
        hook = container(workload).get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})
        granted = pod(workload)["terminationGracePeriodSeconds"] - hook["sleep"]["seconds"]
        assert granted >= needed


@EVERY_OVERLAY
def test_selectors_match_the_pods_that_they_are_for(objects):
    everything = workloads(objects)
    for name, workload in everything.items():
        assert selects(workload["spec"]["selector"], labels(workload))
        for spread in pod(workload).get("topologySpreadConstraints", []):
            assert selects(spread["labelSelector"], labels(workload))
        others = [labels(other) for key, other in everything.items() if key != name]
        assert not any(selects(workload["spec"]["selector"], other) for other in others)
    for name, service in of_kind(objects, "Service").items():
        assert service["spec"]["selector"].items() <= labels(everything[name]).items()
        (port,) = service["spec"]["ports"]
        names = {port["name"] for port in container(everything[name])["ports"]}
        assert port["targetPort"] in names
    for name, budget in of_kind(objects, "PodDisruptionBudget").items():
        assert selects(budget["spec"]["selector"], labels(everything[name]))
        assert budget["spec"]["minAvailable"] < everything[name]["spec"]["replicas"]


# -- the network ------------------------------------------------------------------------------


def connections(objects):
    """List (from, to, port) of what the policies allow, with pods by name and others as text."""
    pods = {name: labels(workload) for name, workload in workloads(objects).items()}

    def peers(rule):
        for peer in rule:
            if "ipBlock" in peer:
                yield peer["ipBlock"]["cidr"]
            elif "namespaceSelector" in peer:
                (namespace,) = peer["namespaceSelector"]["matchLabels"].values()
                yield namespace
            else:
                yield from (name for name, own in pods.items() if selects(peer["podSelector"], own))

    allowed = {"Ingress": set(), "Egress": set()}
    for policy in of_kind(objects, "NetworkPolicy").values():
        spec = policy["spec"]
        chosen = [name for name, own in pods.items() if selects(spec["podSelector"], own)]
        assert chosen, "the policy selects no pod"
        assert {"ingress", "egress"} & spec.keys() <= {kind.lower() for kind in spec["policyTypes"]}
        for rule in spec.get("ingress", []):
            for source in peers(rule["from"]):
                for port in rule["ports"]:
                    allowed["Ingress"] |= {(source, name, port["port"]) for name in chosen}
        for rule in spec.get("egress", []):
            for target in peers(rule["to"]):
                for port in rule["ports"]:
                    allowed["Egress"] |= {(name, target, port["port"]) for name in chosen}
    return allowed


@EVERY_OVERLAY
def test_the_network_allows_exactly_what_is_needed(objects):
    of_clients = {(client, "redis", 6379) for client in ("api", "worker")}
    names = {(client, "kube-system", 53) for client in ("api", "worker")}
    users = {("ingress-nginx", "api", 8000)}
    webhooks = {("api", "0.0.0.0/0", 443)}
    bucket, metrics = set(), set()
    if overlay_has_a_bucket(objects):
        bucket = {(client, "0.0.0.0/0", 443) for client in ("api", "worker")}
        metrics = {("keda", "api", 8000)}
    allowed = connections(objects)
    assert allowed["Ingress"] == of_clients | users | metrics
    assert allowed["Egress"] == of_clients | names | webhooks | bucket


def overlay_has_a_bucket(objects):
    return "STEPBOX_STORE" in environment(objects, workloads(objects)["worker"])


@EVERY_OVERLAY
def test_what_no_policy_allows_is_denied(objects):
    everyone = of_kind(objects, "NetworkPolicy")["deny-all"]["spec"]
    assert everyone == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


# -- scaling ----------------------------------------------------------------------------------


@WITH_BUCKET
def test_keda_scales_the_workers_by_figures_that_the_api_has(objects, tmp_path, jobs):
    scaling = of_kind(objects, "ScaledObject")["worker"]["spec"]
    assert scaling["scaleTargetRef"]["name"] in workloads(objects)
    assert "replicas" not in workloads(objects)["worker"]["spec"]  # they are KEDA's to set
    names = {trigger["name"] for trigger in scaling["triggers"]}
    assert set(re.findall(r"\w+", scaling["advanced"]["scalingModifiers"]["formula"])) == names
    settings = ServiceSettings(models_dir=tmp_path, hosts=hosts(objects))
    client = create_app(settings).test_client()
    for trigger in scaling["triggers"]:
        url = urlsplit(trigger["metadata"]["url"])
        response = client.get(url.path, headers={"Host": url.netloc})
        assert f"\n{trigger['metadata']['valueLocation']} 0.0\n" in response.text


def hosts(objects):
    return environment(objects, workloads(objects)["api"])["STEPBOX_HOSTS"]


@WITH_BUCKET
def test_keda_finds_its_token_where_the_api_finds_the_tokens(objects):
    (authentication,) = of_kind(objects, "TriggerAuthentication").values()
    (reference,) = authentication["spec"]["secretTargetRef"]
    secrets = [volume.get("secret") for volume in pod(workloads(objects)["api"])["volumes"]]
    assert reference["name"] in [secret["secretName"] for secret in secrets if secret]


def test_one_node_needs_neither_a_bucket_nor_keda():
    objects = render("single-node")
    assert not of_kind(objects, "ScaledObject", "TriggerAuthentication")
    assert {workload["spec"].get("replicas", 1) for workload in workloads(objects).values()} == {1}
    claims = of_kind(objects, "PersistentVolumeClaim")
    for name in ("api", "worker"):
        volumes = {volume["name"]: volume for volume in pod(workloads(objects)[name])["volumes"]}
        assert volumes["models"]["persistentVolumeClaim"]["claimName"] in claims
