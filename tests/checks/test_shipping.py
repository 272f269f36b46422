"""What is shipped beside the program: the image's recipe, the compose file, the manifests for Kubernetes, the unit of systemd."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from config.settings import Settings
from worker.policy import policy_from
from worker.roles import ProcessRole

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
KUBERNETES = DOCKER / "kubernetes"
#: The oldest version of Kubernetes that is meant, and the newest that the validator knows.
VERSIONS = ("1.29", kubernetes_validate.latest_version())


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from ((path, each) for each in documents(path))


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [each for _, each in manifests() if each["kind"] == kind]


def test_the_recipe_of_the_image_has_no_known_fault() -> None:
    hadolint = shutil.which("hadolint", path=sysconfig.get_path("scripts"))
    assert hadolint is not None
    ran = subprocess.run([hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert ran.stdout == ""
    assert ran.returncode == 0


def test_each_package_of_the_program_is_in_the_image_and_in_its_context() -> None:
    recipe = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    context = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"COPY {package} {package}\n" in recipe
        assert f"!{package}" in context


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_are_what_kubernetes_knows(version: str) -> None:
    for path, each in manifests():
        try:
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.ValidationError as exc:
            pytest.fail(f"{path}: {exc.message}")


def test_every_manifest_is_listed_in_its_folder() -> None:
    for folder in {path.parent for path, _ in manifests()}:
        listed = documents(folder / "kustomization.yaml")[0]["resources"]
        assert sorted(listed) == sorted(
            path.name for path in folder.glob("*.yaml") if path.name != "kustomization.yaml"
        )


def test_one_secret_and_the_environment_are_settings_enough(tmp_path: Path) -> None:
    environ = {name: text for each in of_kind("Secret") for name, text in each["stringData"].items()}
    environ |= {
        name: text
        for each in of_kind("ConfigMap")
        for name, text in each["data"].items()
        if name.startswith("PROVISOR_")
    }
    policy = tmp_path / "policy.yaml"
    (text,) = (each["data"]["policy.yaml"] for each in of_kind("ConfigMap") if "policy.yaml" in each["data"])
    policy.write_text(text)
    settings = Settings.load(environ=environ | {"PROVISOR_POLICY": str(policy)})
    assert settings.jira.enabled
    assert settings.jumpcloud.enabled
    assert policy_from(settings)[1] == ()


def test_a_container_may_do_nothing_that_it_needs_not_and_says_how_it_is() -> None:
    roles = set()
    for deployment in of_kind("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {name for name in container if name.endswith("Probe")} == {
            "startupProbe",
            "livenessProbe",
            "readinessProbe",
        }
        assert [source for each in container["envFrom"] for source in each] == ["configMapRef", "secretRef"]
        roles |= {word for word in container["args"] if word in set(ProcessRole)}
    assert roles == set(ProcessRole)


def test_options_choose_the_pods_of_the_base() -> None:
    names = {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for each in of_kind("Deployment")}
    budgets = of_kind("PodDisruptionBudget")
    assert {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for each in budgets} == names
    (policy,) = of_kind("NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "provisor"}


def test_simulators_of_the_compose_file_can_be_reached_from_this_machine_alone() -> None:
    (compose,) = documents(DOCKER / "compose.yaml")
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert {"127.0.0.1:9101:9101", "127.0.0.1:9102:9102"} <= set(ports)


def test_the_unit_of_systemd_starts_the_worker_as_nobody_special() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # the library's own way to keep capitals
    unit.read(ROOT / "docker" / "systemd" / "provisor.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("provisor up")
    assert service["User"] == "provisor"
    assert (service["ProtectSystem"], service["NoNewPrivileges"], service["UMask"]) == ("strict", "yes", "0077")
