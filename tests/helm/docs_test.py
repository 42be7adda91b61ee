"""The charts against what stands beside them: the dashboards, the tables, the documents, the program's version.

A ```yml block of docs/kubernetes.md that begins with `# values.yaml` is rendered with the chart alone, one that begins
with `# values.yaml of the service` with the example, and the agent must take the configuration that comes out.
"""

import base64
import copy
import glob
import gzip
import json
import os
import re
import subprocess
import sys
import unittest

from support import (CHART, EXAMPLE, ROOT, agents, blocks, containers, pods, read, render, render_case,
                     schema_problems, values_of)

from agent_test import Mounted
from harness import BINARY, temporary_directory

PAGE = read("docs", "kubernetes.md")


def beyond_restricted(spec):
    """What the profile `restricted` of the Pod Security Standards forbids, of Linux."""
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
               "secret"}
    found += [f"volume {volume['name']}" for volume in spec.get("volumes", []) if not set(volume) - {"name"} <= allowed]
    pod = spec.get("securityContext", {})
    found += [f"pod: {key}" for key in ("sysctls", "seLinuxOptions", "appArmorProfile") if pod.get(key)]
    for each in containers(spec):
        own = each.get("securityContext", {})
        both = {**pod, **own}
        rules = {
            "hostPort": all("hostPort" not in port for port in each.get("ports", [])),
            "privileged": not own.get("privileged"),
            "procMount": own.get("procMount", "Default") == "Default",
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities": "ALL" in own.get("capabilities", {}).get("drop", []) and
                            set(own["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"},
            "runAsNonRoot": both.get("runAsNonRoot") is True,
            "runAsUser": both.get("runAsUser") != 0,
            "seccompProfile": both.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
        }
        found += [f"{each['name']}: {rule}" for rule, is_kept in rules.items() if not is_kept]
    return found


class Kept(unittest.TestCase):
    def test_the_table_of_values_and_the_dashboards_are_up_to_date(self):
        answer = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "helm"), "--check"],
                                capture_output=True, text=True, timeout=60)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))

    def test_every_value_has_a_row_in_the_table(self):
        table = read("helm", "sidewatch", "README.md").split("## Values")[1]
        rows = set(re.findall(r"^\| `([A-Za-z.]+)` \|", table, re.M))

        def keys(values, path=""):
            for key, value in values.items():
                place = f"{path}{key}"
                if place in rows or not (isinstance(value, dict) and value):
                    yield place
                else:
                    yield from keys(value, place + ".")

        self.assertEqual(set(keys(values_of(CHART, "values.yaml"))), rows)

    def test_each_dashboard_becomes_a_configmap_as_it_is(self):
        there = sorted(glob.glob(os.path.join(ROOT, "config", "dashboards", "*.json")))
        maps = [each for each in render_case("dashboards").of_kind("ConfigMap") if "sidewatch.yaml" not in each["data"]]
        self.assertEqual(len(maps), len(there))
        made = {key: text for each in maps for key, text in each["data"].items()}
        for path in there:
            self.assertEqual(json.loads(made[f"sidewatch-{os.path.basename(path)}"]), json.loads(read(path)))
        for each in maps:
            self.assertEqual(each["metadata"]["namespace"], "grafana")
            self.assertEqual(each["metadata"]["labels"]["grafana_dashboard"], "1")
            self.assertEqual(each["metadata"]["annotations"], {"grafana_folder": "sidewatch"})
            self.assertLess(len(json.dumps(each)), 1 << 20, "the API server takes no larger object")

    def test_the_chart_is_for_the_version_that_is_here(self):
        version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, timeout=60).stdout.split()[1]
        for chart in (values_of(CHART, "Chart.yaml"), values_of(EXAMPLE, "Chart.yaml")["dependencies"][0]):
            self.assertEqual(chart["version"], version)
        self.assertEqual(values_of(CHART, "Chart.yaml")["appVersion"], version)


    def test_a_release_with_everything_in_it_fits_into_the_secret_that_helm_keeps_it_in(self):
        files = [path for path in glob.glob(os.path.join(CHART, "**", "*"), recursive=True) if os.path.isfile(path)]
        chart = []
        for path in files:
            with open(path, "rb") as file:
                chart.append(base64.b64encode(file.read()).decode())
        kept = gzip.compress(json.dumps([chart, render_case("dashboards").text]).encode())
        self.assertLess(len(base64.b64encode(kept)), 700_000, "1 MiB is the most")


    def test_the_image_is_one_that_the_pods_can_run(self):
        recipe = read("Containerfile")
        self.assertIn('ENTRYPOINT ["/usr/bin/sidewatch"]', recipe, "the pods give arguments only")
        user, group = re.search(r"^USER (\d+):(\d+)$", recipe, re.M).groups()  # runAsNonRoot needs a number
        context = values_of(CHART, "values.yaml")["podSecurityContext"]
        self.assertEqual((context["runAsUser"], context["runAsGroup"]), (int(user), int(group)))

    def test_the_tag_that_the_page_builds_is_the_one_that_the_pods_ask_for(self):
        _, _, _, spec = next(pods(render_case("sidecar-native").objects))
        self.assertIn(f"podman push {agents(spec)[0]['image']}\n", PAGE)


class Page(unittest.TestCase):
    def test_every_set_of_values_shown_makes_pods_whose_agents_take_their_configuration(self):
        shown = [block for document in (PAGE, read("README.md")) for block in blocks(document, "yml")
                 if block.startswith("# values.yaml")]
        self.assertGreaterEqual(len(shown), 7)
        for block in shown:
            chart = EXAMPLE if block.startswith("# values.yaml of the service") else CHART
            with self.subTest(block):
                rendered = render(block, chart=chart)
                self.assertEqual(schema_problems(rendered.objects), [])
                _, _, _, spec = next(pods(rendered.objects))
                for agent in agents(spec):
                    with temporary_directory() as directory:
                        mounted = Mounted(rendered, spec, agent, directory)
                        self.make_up_secrets(mounted)
                        answer = mounted.check()
                    self.assertEqual((answer.returncode, answer.stderr), (0, ""))

    @staticmethod
    def make_up_secrets(mounted):
        """Keys of a Secret that the page says to make by hand."""
        with open(mounted.config) as file:
            for path in re.findall(r"\$\{file:([^}]*)\}", file.read()):
                if not os.path.exists(path):
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "w") as secret:
                        secret.write("https://chat.example/hook")

    def test_the_lines_that_it_adds_to_a_chart_are_those_of_the_example(self):
        template = read("helm", "example-app", "templates", "deployment.yaml").splitlines()
        lines = [line.strip() for line in template]
        for document in (PAGE, read("README.md")):
            added = [line for block in blocks(document, "yml") for line in block.splitlines()
                     if "include \"sidewatch." in line]
            self.assertGreaterEqual(len(added), 6)
            for line in added:
                self.assertIn(line.strip(), lines)
                self.assertIn(line, template, "with the spaces before it")
        self.assertEqual(values_of(EXAMPLE, "Chart.yaml")["dependencies"][0]["name"], "sidewatch")

    def test_what_it_says_of_pod_security_holds(self):
        """A sidecar and a deployment are within the profile `restricted` of Kubernetes' Pod Security Standards, with
        the service of the example: one container that is not would keep the whole pod out."""
        for case in ("sidecar-native", "sidecar-classic", "database-deployment", "everything", "two-sidecars"):
            with self.subTest(case):
                _, _, _, spec = next(pods(render_case(case).objects))
                self.assertGreater(len(agents(spec)), 0)
                self.assertEqual(beyond_restricted(spec), [])

    def test_what_is_not_within_the_profile_is_noticed(self):
        _, _, _, sound = next(pods(render_case("sidecar-native").objects))
        breaks = {
            "hostPID": lambda spec: spec.update(hostPID=True),
            "volume": lambda spec: spec["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
            "sysctls": lambda spec: spec["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
            "seccomp": lambda spec: spec["securityContext"].pop("seccompProfile"),
            "hostPort": lambda spec: spec["containers"][0]["ports"][0].update(hostPort=1),
            "privilege": lambda spec: spec["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
            "capabilities": lambda spec: spec["containers"][0]["securityContext"].pop("capabilities"),
            "root": lambda spec: spec["containers"][0]["securityContext"].update(runAsUser=0),
            "privileged": lambda spec: spec["containers"][0]["securityContext"].update(privileged=True),
        }
        for what, change in breaks.items():
            spec = copy.deepcopy(sound)
            change(spec)
            self.assertEqual(len(beyond_restricted(spec)), 1, what)

    def test_the_token_of_the_service_is_not_the_agents(self):
        for case in ("sidecar-native", "sidecar-classic", "database-deployment", "daemonset"):
            _, _, _, spec = next(pods(render_case(case).objects))
            self.assertIs(spec["automountServiceAccountToken"], False, case)
        self.assertIn("automountServiceAccountToken: false", next(
            block for block in blocks(PAGE, "yml") if "sidewatch.podSpec" in block))

    def test_what_of_the_node_is_read_only_is_so_with_all_below_it_where_kubernetes_can(self):
        for version, recursive in (("1.33.0", "IfPossible"), ("v1.31.2-eks-1", "IfPossible"), ("1.30.4", None)):
            rendered = render({"mode": "daemonset", "image": {"repository": "x"}}, kube_version=version)
            self.assertEqual(schema_problems(rendered.objects), [])
            _, _, _, spec = next(pods(rendered.objects))
            mounts = {each["mountPath"]: each for each in agents(spec)[0]["volumeMounts"]}
            for path in ("/host/proc", "/host/sys"):
                self.assertEqual(mounts[path].get("recursiveReadOnly"), recursive, (path, version))
                self.assertNotIn("mountPropagation", mounts[path], "Kubernetes refuses both together")
            self.assertNotIn("recursiveReadOnly", mounts["/host/root"])
            self.assertEqual(mounts["/host/root"]["mountPropagation"], "HostToContainer")
            self.assertTrue(all(mounts[path]["readOnly"] for path in ("/host/proc", "/host/sys", "/host/root")))

    def test_the_command_that_takes_the_configuration_out_of_the_chart_does_so(self):
        command = re.search(r"python3 -c '(.*)' > sidewatch.yaml$", PAGE, re.M)[1]
        shown = next(block for block in blocks(PAGE, "yml") if "ruleFiles" in block)
        rendered = render(shown)
        document = next(text for text in rendered.text.split("---\n") if "/configmap.yaml" in text)
        answer = subprocess.run([sys.executable, "-c", command], input=document, capture_output=True, text=True,
                                timeout=60)
        self.assertEqual(answer.stdout, rendered.config() + "\n", answer.stderr)

    def test_every_command_names_what_is_there(self):
        for path in re.findall(r"\b(helm/[\w./-]+)", PAGE):
            self.assertTrue(os.path.exists(os.path.join(ROOT, path.rstrip("."))), path)
        for value in re.findall(r"--set ([\w.]+)=", PAGE + read("README.md")):
            place = values_of(CHART, "values.yaml")
            for key in value.split("."):
                place = place[key]


if __name__ == "__main__":
    unittest.main(verbosity=2)
