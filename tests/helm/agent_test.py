"""The real agent on what the charts hand it: each sidewatch.yaml is one that it takes, and it answers its probes.

The volumes are laid out in a temporary directory as the kubelet does it (a folder with a link to it, and a link for
each file), and the places at which they would be mounted are written anew in the configuration.
"""

import os
import subprocess
import sys
import unittest

from support import CHART, EXAMPLE, agents, case_names, pods, render, render_case, secret_texts

from harness import BINARY, DEADLINE, Agent, temporary_directory, wait_until

FOREIGN_SECRET = {"shop-db": {"password": "from elsewhere"},
                  "checkout-alerts": {"oncall-url": "https://chat.example/hook"}}


class Mounted:
    """The volumes of one agent of a pod below a directory, and the environment of its container."""

    def __init__(self, rendered, spec, agent, directory):
        self.directory = directory
        self.rendered = rendered
        volumes = {each["name"]: each for each in spec["volumes"]}
        for mount in agent["volumeMounts"]:
            volume = volumes[mount["name"]]
            below = os.path.join(directory, mount["mountPath"].lstrip("/"))
            if "configMap" in volume:
                config = volume["configMap"]
                self.project(below, self.data("ConfigMap", config["name"]), config.get("items"))
            elif "secret" in volume:
                self.project(below, self.data("Secret", volume["secret"]["secretName"]), None)
            elif "hostPath" not in volume:
                os.makedirs(below)
        self.environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LSAN_OPTIONS")
                            if name in os.environ}
        for variable in agent["env"]:
            self.environment[variable["name"]] = variable.get("value") or self.made_up(variable["valueFrom"])

    def data(self, kind, name):
        for each in self.rendered.of_kind(kind):
            if each["metadata"]["name"] == name:
                return each["data"] if kind == "ConfigMap" else secret_texts(each)
        return FOREIGN_SECRET.get(name, {})

    @staticmethod
    def made_up(source):
        if "resourceFieldRef" in source:
            return "500" if source["resourceFieldRef"]["resource"] == "limits.cpu" else "268435456"
        return source["fieldRef"]["fieldPath"].replace(".", "-") if "fieldRef" in source else "from-a-secret"

    def project(self, below, data, items):
        """As the kubelet does it: ..data points to a folder, and what is seen are links into ..data."""
        paths = {item["key"]: item["path"] for item in items} if items else {key: key for key in data}
        folder = os.path.join(below, "..2026_11_21")
        os.makedirs(folder)
        for key, path in paths.items():
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "w") as file:
                file.write(self.moved(data[key]))
        os.symlink("..2026_11_21", os.path.join(below, "..data"))
        for first in {path.split("/")[0] for path in paths.values()}:
            os.symlink(os.path.join("..data", first), os.path.join(below, first))

    def moved(self, text):
        for place in ("/run/secrets/sidewatch", "/var/lib/sidewatch"):
            text = text.replace(place, self.directory + place)
        return text.replace("/host/proc", "/proc").replace("/host/sys", "/sys").replace("/host/root", "/")

    @property
    def config(self):
        return os.path.join(self.directory, "etc", "sidewatch", "sidewatch.yaml")

    def check(self):
        return subprocess.run([BINARY, "check", self.config], cwd="/", env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE)


class Configurations(unittest.TestCase):
    def test_each_that_a_chart_makes_is_one_that_the_agent_takes(self):
        checked = 0
        for name in case_names():
            rendered = render_case(name)
            for _, _, _, spec in pods(rendered.objects):
                for agent in agents(spec):
                    if name == "existing-configmap":
                        continue
                    with self.subTest(name, agent=agent["name"]), temporary_directory() as directory:
                        answer = Mounted(rendered, spec, agent, directory).check()
                        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
                        checked += 1
        self.assertGreaterEqual(checked, 14)

    def test_so_is_one_for_a_pod_written_by_hand(self):
        with temporary_directory() as directory:
            path = os.path.join(directory, "sidewatch.yaml")
            with open(path, "w") as file:
                file.write(render_case("sidecar-by-itself").config())
            answer = subprocess.run([BINARY, "check", path], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertIn("statsd", answer.stdout)

    def checked(self, name):
        rendered = render_case(name)
        _, _, _, spec = next(pods(rendered.objects))
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        return Mounted(rendered, spec, agents(spec)[0], directory.name).check().stdout

    def test_a_sidecar_watches_its_targets_with_the_rules_that_come_for_them(self):
        told = self.checked("sidecar-native")
        for words in ("checkout", "ContainerMemoryHigh", "ProcessRestarting", "CheckoutMemory", "oncall"):
            self.assertIn(words, told)

    def test_rules_of_files_and_of_values_are_judged(self):
        told = self.checked("own-rules")
        for words in ("HostLoad", "InstanceDown", "instance:load:per_core"):
            self.assertIn(words, told)
        self.assertNotIn("HostDiskFull", told, "shipped_rules: [] takes them away")

    def test_a_deployment_has_the_rules_for_its_databases(self):
        told = self.checked("database-deployment")
        for words in ("PostgresqlDown", "RedisDown"):
            self.assertRegex(told, f"(?i){words}")


class Running(unittest.TestCase):
    def start(self, values=None, chart=EXAMPLE):
        """The agent of the only pod, with the same configuration but for the port."""
        rendered = render(values, chart=chart)
        _, _, _, spec = next(pods(rendered.objects))
        self.container = agents(spec)[0]
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        mounted = Mounted(rendered, spec, self.container, directory.name)
        with open(mounted.config) as file:
            config = file.read()
        self.assertEqual(config.count("- :9766\n"), 1)
        home = os.path.join(directory.name, "home")
        os.mkdir(home)
        agent = Agent(config.replace("- :9766\n", '- "127.0.0.1:0"\n'), home, environment=mounted.environment)
        self.addCleanup(agent.stop)
        return agent.start()

    def test_a_sidecar_answers_its_probes_and_tells_the_limits_of_the_service(self):
        agent = self.start({"sidewatch": {"sidecar": {"targets": [{"container": "checkout"}]},
                                          "config": {"agent": {"interval": "200ms"}},
                                          "probes": {"startup": {"enabled": True}, "readiness": {"enabled": True}}}})
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            path = self.container[probe]["httpGet"]["path"]
            wait_until(lambda: agent.request(path)[0] == 200, f"200 of {path}")
        limits = {series: value for series, value in agent.metrics().items()
                  if series.startswith(("container_spec_memory_limit_bytes{", "container_spec_cpu_quota{"))}
        self.assertEqual(sorted(limits.values()), [50000, 268435456], limits)
        for series in limits:
            self.assertIn('pod="metadata-name"', series)
            self.assertIn('container="checkout"', series)

    def test_a_sidecar_sees_the_process_and_the_container_of_its_target(self):
        mark = f"checkout-of-{os.getpid()}"
        service = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", mark], stdin=subprocess.PIPE)
        self.addCleanup(service.wait)
        self.addCleanup(service.stdin.close)
        agent = self.start({"sidewatch": {
            "sidecar": {"targets": [{"container": "checkout", "process": {"cmdline": mark},
                                     "labels": {"tier": "front"}}]},
            "config": {"agent": {"interval": "200ms"}}}})
        expected = [('namedprocess_namegroup_num_procs{', 'groupname="checkout"', 1),
                    ('sidewatch_target_up{', 'name="checkout"', 1),
                    ('container_spec_memory_limit_bytes{', 'tier="front"', 268435456)]

        def seen():
            metrics = agent.metrics()
            return all(any(series.startswith(name) and label in series and 0 < value <= most
                           for series, value in metrics.items()) for name, label, most in expected)

        wait_until(seen, "the service and its container")

    def test_a_daemonsets_agent_tells_its_node(self):
        agent = self.start({"image": {"repository": "registry.example/sidewatch"},
                            "config": {"agent": {"interval": "200ms"}}}, chart=CHART)
        wait_until(lambda: agent.request("/-/ready")[0] == 200, "every collector to be read")
        self.assertTrue(any(series.startswith("node_load1{") and 'node="spec-nodeName"' in series
                            for series in agent.metrics()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
