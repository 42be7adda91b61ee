"""The charts as they come out for each value set of cases/, held against what Kubernetes takes.

cases/<name>/expected.yaml is what `helm template` prints for cases/<name>/values.yaml, with the notes below it as
comments. UPDATE_GOLDEN=1 writes them anew; then read the difference.
"""

import copy
import os
import re
import unittest

from support import (CASES, EXAMPLE, agents, case_names, containers, monitor_validator, pods, render, render_case,
                     schema_problems)

UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
DASHBOARD = re.compile(r"^---\n# Source: \S*/dashboards\.yaml\n(?:(?!---\n).*\n)*", re.M)

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
# Tables whose keys are anybody's, so that no key in them is unknown.
FREE = {"labels", "annotations", "matchLabels", "data", "nodeSelector", "requests", "limits", "selector"}


def golden(rendered):
    """Dashboards are left out: a test of their own says what they are."""
    notes = "".join(f"# {line}".rstrip() + "\n" for line in rendered.notes.splitlines())
    return DASHBOARD.sub("", rendered.text) + ("---\n# NOTES\n" + notes if notes else "")


class Cases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = {name: render_case(name) for name in case_names()}

    def test_each_comes_out_as_expected(self):
        self.assertGreaterEqual(len(self.cases), 15)
        for name, rendered in self.cases.items():
            with self.subTest(name):
                path = os.path.join(CASES, name, "expected.yaml")
                if UPDATE:
                    with open(path, "w") as file:
                        file.write(golden(rendered))
                with open(path) as file:
                    self.assertEqual(golden(rendered), file.read())

    def test_each_object_is_one_that_kubernetes_takes_whole(self):
        objects = [each for rendered in self.cases.values() for each in rendered.objects]
        kinds = {each["kind"] for each in objects}
        self.assertEqual(kinds, {"ConfigMap", "DaemonSet", "Deployment", "NetworkPolicy", "PersistentVolumeClaim",
                                 "PodDisruptionBudget", "PodMonitor", "Secret", "Service", "ServiceAccount",
                                 "ServiceMonitor"})
        self.assertEqual(schema_problems(objects), [])
        validator = monitor_validator()
        for each in objects:
            if each["kind"] in ("PodMonitor", "ServiceMonitor"):
                self.assertEqual([error.message for error in validator.iter_errors(each)], [])

    def test_a_field_that_kubernetes_does_not_know_is_noticed_wherever_it_stands(self):
        broken = []
        for each in self.cases["everything"].objects + self.cases["daemonset"].objects:
            if not each["apiVersion"].startswith("monitoring."):
                broken += [variant for variant in with_a_typo(each)]
        self.assertGreater(len(broken), 100)
        for number, each in enumerate(broken):
            each["metadata"]["name"] = f"variant{number}"
        found = schema_problems(broken)
        for number in range(len(broken)):
            self.assertTrue(any(f" variant{number}: " in problem for problem in found), broken[number])

    def test_a_value_of_another_type_is_noticed(self):
        daemonset = copy.deepcopy(self.cases["daemonset"].only("DaemonSet"))
        daemonset["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "9766"
        self.assertRegex("\n".join(schema_problems([daemonset])), "containerPort: type")

    def test_a_field_that_the_operator_does_not_know_is_noticed(self):
        validator = monitor_validator()
        everything = self.cases["everything"]
        for each in everything.of_kind("ServiceMonitor") + everything.of_kind("PodMonitor"):
            for variant in with_a_typo(each):
                self.assertFalse(validator.is_valid(variant), variant)

    def test_names_labels_and_quantities_are_ones_that_kubernetes_allows(self):
        for name, rendered in self.cases.items():
            for each in rendered.objects:
                with self.subTest(name, object=each["metadata"]["name"]):
                    self.check_words(each)

    def check_words(self, value, key=""):
        if isinstance(value, list):
            for item in value:
                self.check_words(item, key)
        elif isinstance(value, dict):
            for inner, member in value.items():
                if key in ("labels", "matchLabels"):
                    self.assertRegex(inner, rf"^{LABEL_KEY.pattern}$")
                    self.assertRegex(member, rf"^{LABEL_VALUE.pattern}$")
                if key in ("requests", "limits"):
                    self.assertRegex(str(member), rf"^{QUANTITY.pattern}$")
                self.check_words(member, inner)
        elif key == "name" and isinstance(value, str) and not value.isupper() and "_" not in value:
            self.assertRegex(value, rf"^{NAME.pattern}$")
            self.assertLessEqual(len(value), 63)

    def test_what_refers_to_something_finds_it(self):
        for name, rendered in self.cases.items():
            for owner, labels, _, spec in pods(rendered.objects):
                with self.subTest(name):
                    self.check_pod(rendered, owner, labels, spec, name)

    def check_pod(self, rendered, owner, labels, spec, case):
        made = {(each["kind"], each["metadata"]["name"]) for each in rendered.objects}
        wanted = owner["spec"]["selector"]["matchLabels"]
        self.assertLessEqual(wanted.items(), labels.items())
        names = [each["name"] for each in containers(spec)]
        self.assertEqual(len(set(names)), len(names))
        volumes = [each["name"] for each in spec["volumes"]]
        self.assertEqual(len(set(volumes)), len(volumes))
        mounted = {mount["name"] for each in containers(spec) for mount in each.get("volumeMounts", [])}
        self.assertEqual(mounted, set(volumes), "each volume is mounted and each mount has its volume")
        foreign = {"my-sidewatch", "shop-db", "checkout-alerts", "company-ca", "watch-state"}
        for volume in spec["volumes"]:
            for kind, key, field in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName"),
                                     ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName")):
                if key in volume and volume[key][field] not in foreign:
                    self.assertIn((kind, volume[key][field]), made)
        account = spec.get("serviceAccountName", "default")
        if account != "default":
            self.assertIn(("ServiceAccount", account), made)
        ports = [port["containerPort"] for each in agents(spec) for port in each["ports"]]
        self.assertEqual(len(set(ports)), len(ports))
        for agent in agents(spec):
            port = agent["ports"][0]
            self.assertLessEqual(len(port["name"]), 15)
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if probe in agent:
                    self.assertEqual(agent[probe]["httpGet"]["port"], port["containerPort"])
            self.assertTrue(any(mount["mountPath"] == "/etc/sidewatch" for mount in agent["volumeMounts"]))
        self.check_selectors(rendered, labels, agents(spec), case)

    def check_selectors(self, rendered, labels, found, case):
        port_names = {agent["ports"][0]["name"] for agent in found}
        for each in rendered.objects:
            spec = each.get("spec", {})
            selects = {"Service": lambda: spec["selector"],
                       "NetworkPolicy": lambda: spec["podSelector"]["matchLabels"],
                       "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
                       "PodMonitor": lambda: spec["selector"]["matchLabels"]}.get(each["kind"])
            if selects:
                self.assertLessEqual(selects().items(), labels.items(), each["kind"])
            if each["kind"] == "PodMonitor":
                self.assertIn(spec["podMetricsEndpoints"][0]["port"], port_names)
            if each["kind"] == "ServiceMonitor":
                service = rendered.only("Service")
                self.assertLessEqual(spec["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
                self.assertEqual(spec["endpoints"][0]["port"], service["spec"]["ports"][0]["name"])
                self.assertIn(service["metadata"]["namespace"], spec["namespaceSelector"]["matchNames"])

    def test_every_agent_has_no_right_that_it_does_not_need(self):
        for name, rendered in self.cases.items():
            for owner, _, _, spec in pods(rendered.objects):
                for agent in agents(spec):
                    with self.subTest(name, agent=agent["name"]):
                        context = agent["securityContext"]
                        self.assertIs(context["runAsNonRoot"], True)
                        self.assertIs(context["readOnlyRootFilesystem"], True)
                        self.assertIs(context["allowPrivilegeEscalation"], False)
                        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                        self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
                        for mount in agent["volumeMounts"]:
                            self.assertTrue(mount.get("readOnly") or mount["mountPath"] == "/var/lib/sidewatch", mount)
                if owner["metadata"].get("labels", {}).get("app.kubernetes.io/name") in ("sidewatch", "watch"):
                    self.assertIs(spec["automountServiceAccountToken"], False)


def with_a_typo(value, key="", root=None, path=()):
    """A copy of the object for each table in it, with one key more in that table."""
    root = value if root is None else root
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from with_a_typo(item, "", root, (*path, at))
    elif isinstance(value, dict) and key not in FREE - ({"selector"} if "matchLabels" in value else set()):
        variant = copy.deepcopy(root)
        table = variant
        for step in path:
            table = table[step]
        table["typo"] = "x"
        yield variant
        for inner, member in value.items():
            yield from with_a_typo(member, inner, root, (*path, inner))


class Modes(unittest.TestCase):
    IMAGE = {"image": {"repository": "registry.example/sidewatch"}}

    def test_a_sidecar_is_an_init_container_that_keeps_running_where_kubernetes_can_do_that(self):
        for version, native in (("1.31.0", True), ("v1.29.0-eks-1", True), ("1.28.9", False), ("1.25.0", False)):
            _, _, _, spec = next(pods(render(chart=EXAMPLE, kube_version=version).objects))
            where = spec["initContainers"] if native else spec["containers"]
            agent = next(each for each in where if each["name"] == "sidewatch")
            self.assertEqual(agent.get("restartPolicy"), "Always" if native else None)
            self.assertEqual(len(agents(spec)), 1)

    def test_a_value_decides_instead_of_the_version(self):
        for native, version in ((False, "1.31.0"), (True, "1.28.0")):
            rendered = render({"sidewatch": {"sidecar": {"native": native}}}, chart=EXAMPLE, kube_version=version)
            _, _, _, spec = next(pods(rendered.objects))
            self.assertEqual(bool(spec["initContainers"]), native)

    def test_the_limits_of_each_target_come_through_the_downward_api(self):
        _, _, _, spec = next(pods(render(chart=EXAMPLE).objects))
        found = {each["name"]: each["valueFrom"]["resourceFieldRef"] for each in agents(spec)[0]["env"]
                 if "resourceFieldRef" in each["valueFrom"]}
        self.assertEqual(found, {
            "TARGET_CHECKOUT_MEMORY_LIMIT": {"containerName": "checkout", "resource": "limits.memory"},
            "TARGET_CHECKOUT_CPU_LIMIT": {"containerName": "checkout", "resource": "limits.cpu", "divisor": "1m"}})

    def test_pods_are_replaced_when_the_configuration_changes_and_only_then(self):
        def checksum(**more):
            _, _, annotations, _ = next(pods(render({**self.IMAGE, **more}).objects))
            return annotations["checksum/sidewatch-config"]
        same = checksum()
        self.assertEqual(checksum(resources={"requests": {"cpu": "1"}}), same)
        self.assertEqual(checksum(secrets={"data": {"a": "b"}}), same, "nobody can try passwords against it")
        self.assertNotEqual(checksum(config={"agent": {"interval": "10s"}}), same)
        self.assertNotEqual(checksum(ruleFiles={"a.yaml": "groups: []"}), same)

    def test_a_chart_that_is_switched_off_leaves_nothing(self):
        self.assertEqual(render({"enabled": False}).objects, [])
        rendered = render({"sidewatch": {"enabled": False}}, chart=EXAMPLE)
        self.assertEqual([each["kind"] for each in rendered.objects], ["Deployment"])
        _, _, _, spec = next(pods(rendered.objects))
        self.assertEqual((agents(spec), spec["volumes"], "shareProcessNamespace" in spec), ([], None, False))


if __name__ == "__main__":
    unittest.main(verbosity=2)
