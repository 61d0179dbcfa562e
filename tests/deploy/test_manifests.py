"""What deploy/ gives to container runtimes and to Kubernetes: is it accepted, and does it agree?

The schemas are Kubernetes' own, as the package kubernetes-validate has them, in their strict form:
a key that is not known is an error. Kinds that are not the API server's are held to what their
readers take. No cluster is needed.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

try:
    import kubernetes_validate
    import yaml
except ImportError as missing:
    # scripts/setup.sh --tests installs them. A skip is never unnoticed: scripts/test.sh reads it.
    WHY = f"PEREGRINE-SKIP: tests/deploy: needs scripts/setup.sh --tests: {missing}"
    if "PEREGRINE_SKIP_LOG" in os.environ:
        with open(os.environ["PEREGRINE_SKIP_LOG"], "a", encoding="utf-8") as log:
            log.write(WHY + "\n")
    print(WHY, file=sys.stderr)
    raise unittest.SkipTest(WHY) from missing

DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"
MANIFESTS = DEPLOY / "kubernetes"
# From the oldest that docs/containers.md promises to the newest that the package has.
VERSIONS = ("1.30", "1.37")
# Kinds of others: who reads them, and which keys it takes.
KUBELET_KEYS = {
    "apiVersion", "kind", "cpuManagerPolicy", "cpuManagerPolicyOptions", "reservedSystemCPUs",
    "memoryManagerPolicy", "reservedMemory", "kubeReserved", "systemReserved", "evictionHard",
    "topologyManagerPolicy", "topologyManagerScope"}
KUSTOMIZE_KEYS = {"apiVersion", "kind", "resources", "secretGenerator", "generatorOptions"}
PLUGIN_KEYS = {"resourcePrefix", "resourceName", "selectors"}
SELECTOR_KEYS = {"vendors", "devices", "drivers", "pfNames", "pciAddresses"}
SRIOV_KEYS = {"cniVersion", "name", "type", "vlan", "mac", "spoofchk", "trust", "link_state"}
OTHERS = {"KubeletConfiguration", "Kustomization", "NetworkAttachmentDefinition"}


def documents():
    """Every document of every manifest, with its file's name."""
    for path in sorted(MANIFESTS.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path.name, document


def of_kind(kind):
    return [document for _, document in documents() if document["kind"] == kind]


def pods():
    """Name and specification of each pod, those of jobs included."""
    for document in of_kind("Pod"):
        yield document["metadata"]["name"], document["spec"]
    for document in of_kind("Job"):
        yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def venue():
    [document] = of_kind("Pod")
    return document


def plugin_resources():
    [config] = of_kind("ConfigMap")
    pools = json.loads(config["data"]["config.json"])["resourceList"]
    return {f"{pool['resourcePrefix']}/{pool['resourceName']}": pool for pool in pools}


def megabytes(text):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


class Schemas(unittest.TestCase):
    def validate(self, document):
        for version in VERSIONS:
            # It answers with the version whose schema it took: not an older one, in silence.
            taken = kubernetes_validate.validate(document, version, strict=True)
            self.assertEqual(taken, version)

    def test_the_api_server_takes_what_is_its_own(self):
        kinds = set()
        for name, document in documents():
            if document["kind"] not in OTHERS:
                with self.subTest(f"{name}: {document['kind']}"):
                    self.validate(document)
                    kinds.add(document["kind"])
        self.assertEqual(kinds, {"ConfigMap", "Job", "Namespace", "Pod"})

    def test_what_is_wrong_is_refused(self):
        for edit in (lambda pod: pod["spec"]["containers"][0].update(imag="x"),
                     lambda pod: pod["spec"].update(restartPolicy=True),
                     lambda pod: pod["spec"]["securityContext"].update(runAsUser="10001"),
                     lambda pod: pod["spec"].pop("containers")):
            pod = venue()
            edit(pod)
            with self.assertRaises(kubernetes_validate.ValidationError):
                self.validate(pod)

    def test_networks_are_what_the_cni_plugin_takes(self):
        for network in of_kind("NetworkAttachmentDefinition"):
            self.assertEqual(network["apiVersion"], "k8s.cni.cncf.io/v1")
            self.assertEqual(set(network["spec"]), {"config"})
            config = json.loads(network["spec"]["config"])
            self.assertLessEqual(set(config), SRIOV_KEYS)
            self.assertEqual((config["type"], config["name"]),
                             ("sriov", network["metadata"]["name"]))

    def test_the_device_plugin_takes_its_pools(self):
        for name, pool in plugin_resources().items():
            self.assertLessEqual(set(pool), PLUGIN_KEYS)
            self.assertRegex(pool["resourceName"], "^[a-z0-9_]+$", name)
            for selector in pool["selectors"]:
                self.assertLessEqual(set(selector), SELECTOR_KEYS)
                self.assertTrue(all(isinstance(value, list) for value in selector.values()))

    def test_the_kubelets_reserves_add_up(self):
        [kubelet] = of_kind("KubeletConfiguration")
        self.assertLessEqual(set(kubelet), KUBELET_KEYS)
        # The kubelet does not start otherwise.
        reserved = sum(megabytes(node["limits"]["memory"]) for node in kubelet["reservedMemory"])
        parts = [kubelet["kubeReserved"]["memory"], kubelet["systemReserved"]["memory"],
                 kubelet["evictionHard"]["memory.available"]]
        self.assertEqual(reserved, sum(map(megabytes, parts)))

    def test_kustomize_finds_its_files(self):
        [kustomization] = of_kind("Kustomization")
        self.assertLessEqual(set(kustomization), KUSTOMIZE_KEYS)
        [secret] = kustomization["secretGenerator"]
        for name in kustomization["resources"] + secret["files"]:
            self.assertTrue((MANIFESTS / name).is_file(), name)


class Pods(unittest.TestCase):
    def test_each_has_cpus_memory_and_pages_of_its_own(self):
        for name, spec in pods():
            for container in spec["containers"]:
                resources = container["resources"]
                # Without requests they are the limits: the class is Guaranteed.
                self.assertEqual(resources.get("requests", resources["limits"]),
                                 resources["limits"], name)
                self.assertRegex(resources["limits"]["cpu"], r"^\d+$", name)
                self.assertIn("memory", resources["limits"], name)
                pages = resources["limits"].get("hugepages-2Mi", "0Mi")
                self.assertEqual(megabytes(pages) % 2, 0, name)

    def test_none_is_root_or_may_become_it(self):
        for name, spec in pods():
            self.assertTrue(spec["securityContext"]["runAsNonRoot"], name)
            self.assertEqual(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
            self.assertFalse(spec["automountServiceAccountToken"], name)
            for container in spec["containers"]:
                context = container["securityContext"]
                self.assertFalse(context["allowPrivilegeEscalation"], name)
                self.assertTrue(context["readOnlyRootFilesystem"], name)
                self.assertEqual(context["capabilities"]["drop"], ["ALL"], name)
                # Only who takes hugepages: EAL asks the kernel for their node.
                huge = any(key.startswith("hugepages-") for key in container["resources"]["limits"])
                self.assertEqual(context["capabilities"].get("add", []),
                                 ["SYS_NICE"] if huge else [], name)

    def test_none_is_started_again_or_has_its_cpus_probed(self):
        for name, spec in pods():
            self.assertEqual(spec["restartPolicy"], "Never", name)
            for container in spec["containers"]:
                self.assertFalse([key for key in container if key.endswith("Probe")], name)
        self.assertEqual([job["spec"]["backoffLimit"] for job in of_kind("Job")], [0])

    def test_what_is_mounted_is_there(self):
        for name, spec in pods():
            there = {volume["name"] for volume in spec["volumes"]}
            for container in spec["containers"]:
                self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, there,
                                 name)
        [kustomization] = of_kind("Kustomization")
        secrets = [volume["secret"]["secretName"]
                   for volume in venue()["spec"]["volumes"] if "secret" in volume]
        self.assertEqual([made["name"] for made in kustomization["secretGenerator"]], secrets)

    def test_networks_and_devices_are_the_same(self):
        [container] = venue()["spec"]["containers"]
        asked = {key for key in container["resources"]["limits"] if "/" in key}
        self.assertEqual(asked, set(plugin_resources()))
        networks = {network["metadata"]["name"]:
                    network["metadata"]["annotations"]["k8s.v1.cni.cncf.io/resourceName"]
                    for network in of_kind("NetworkAttachmentDefinition")}
        annotation = venue()["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"]
        self.assertEqual({networks[name.strip()] for name in annotation.split(",")}, asked)


class Configuration(unittest.TestCase):
    """The venue's file and its pod. That Peregrine takes it, tests/containers.rs checks."""

    def setUp(self):
        self.text = (MANIFESTS / "venue.toml").read_text(encoding="utf-8")
        self.config = tomllib.loads(self.text)
        self.limits = venue()["spec"]["containers"][0]["resources"]["limits"]

    def test_devices_are_named_as_the_plugin_names_them(self):
        names = {"PCIDEVICE_" + re.sub(r"[^A-Z0-9]", "_", resource.upper())
                 for resource in plugin_resources()}
        devices = {port["device"] for port in self.config["port"]}
        self.assertEqual(devices, {f"${{{name}}}" for name in names})

    def test_cpus_and_pages_suffice(self):
        self.assertEqual(self.config["lcores"]["cpus"], "auto")
        lcores = {role["lcore"] for role in self.config["venue"]}
        self.assertEqual(int(self.limits["cpu"]), len(lcores) + 1)
        eal = self.config["eal"]
        self.assertEqual(eal["huge"], "require")
        self.assertLess(eal["memory_mb"], megabytes(self.limits["hugepages-2Mi"]))


class Image(unittest.TestCase):
    def test_its_user_is_the_pods(self):
        text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
        [user] = re.findall(r"^USER (\d+):\1$", text, re.MULTILINE)
        self.assertIn(f"--uid {user} ", text)
        for name, spec in pods():
            context = spec["securityContext"]
            ids = {context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")}
            self.assertEqual(ids, {int(user)}, name)

    def test_what_pods_start_is_in_it(self):
        text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
        for name, spec in pods():
            for container in spec["containers"]:
                [program] = container.get("command", ["peregrine"])
                self.assertIn(f"/usr/local/bin/{program}\n", text, name)
                for word in container["args"]:
                    folder = "/usr/share/peregrine/config"
                    if word.startswith(folder):
                        self.assertTrue((DEPLOY.parent / "config" / pathlib.Path(word).name)
                                        .is_file(), word)

    def test_what_it_copies_is_in_the_repository(self):
        text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
        for words in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
            for path in words.split():
                self.assertTrue((DEPLOY.parent / path).exists(), path)


class Start(unittest.TestCase):
    """deploy/start.sh, with a stand-in that prints what it was given."""

    def start(self, *arguments, **variables):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            stand_in = place / "peregrine"
            stand_in.write_text('#!/bin/sh\necho "$@"; cat "$2"; stat -c %a "$2"\n')
            stand_in.chmod(0o755)
            (place / "run").mkdir()
            (place / "x.toml").write_text('a = "${PCIDEVICE_X_A}"\nb = "${PCIDEVICE_X_B}$1\\n"\n')
            environment = {"PATH": f"{folder}:{os.environ['PATH']}",
                           "PEREGRINE_RUNTIME": f"{folder}/run", **variables}
            words = [word.replace("FOLDER", folder) for word in arguments]
            done = subprocess.run([DEPLOY / "start.sh", *words], env=environment, text=True,
                                  capture_output=True, check=False)
            self.assertEqual(bool(done.returncode), bool(done.stderr), done)
            return done.returncode, (done.stdout + done.stderr).replace(folder, "FOLDER")

    def test_addresses_are_put_in(self):
        status, told = self.start("run", "FOLDER/x.toml", "--quiet",
                                  PCIDEVICE_X_A="0000:3b:02.1", PCIDEVICE_X_B="0000:3b:0a.7")
        self.assertEqual(status, 0)
        self.assertEqual(told, 'run FOLDER/run/x.toml --quiet\na = "0000:3b:02.1"\n'
                               'b = "0000:3b:0a.7$1\\n"\n600\n')

    def test_one_that_is_missing_is_named(self):
        status, told = self.start("run", "FOLDER/x.toml", PCIDEVICE_X_A="0000:3b:02.1")
        self.assertEqual(status, 2)
        self.assertIn("names PCIDEVICE_X_B, which is not set", told)

    def test_two_are_not_one(self):
        for value in ("0000:3b:02.1,0000:3b:02.2", "${PCIDEVICE_X_A}", "eth0"):
            status, told = self.start("run", "FOLDER/x.toml", PCIDEVICE_X_A=value)
            self.assertEqual(status, 2)
            self.assertIn("PCIDEVICE_X_A is not one PCI address", told)

    def test_what_cannot_be_read_or_written_is_named(self):
        self.assertEqual(self.start("run", "FOLDER/y.toml"),
                         (2, "peregrine-start: FOLDER/y.toml cannot be read\n"))
        status, told = self.start("run", "FOLDER/x.toml", PCIDEVICE_X_A="0000:3b:02.1",
                                  PCIDEVICE_X_B="0000:3b:02.2", PEREGRINE_RUNTIME="/nowhere")
        self.assertEqual(status, 2)
        self.assertIn("/nowhere/x.toml cannot be written", told)
        self.assertEqual(self.start("run")[0], 2)


if __name__ == "__main__":
    unittest.main()
