"""docs/configuration.md and docs/metrics.md are what the program prints, and the JSON Schema fits the configurations.

The schema is judged by python3-jsonschema, which scripts/setup installs for Debian's own Python.
"""

import difflib
import glob
import json
import os
import re
import subprocess
import sys
import unittest

import jsonschema
import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, Agent, temporary_directory, wait_until  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PAGES = [os.path.join(ROOT, "README.md"), *glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True)]


AGENT = """
agent: {interval: 200ms}
http: {listen: "127.0.0.1:0"}
collectors:
  host: {}
  process:
    - {name: agent, match: {pid: self}}
rules:
  - {alert: AlwaysTrue, expr: node_load1, warning: ">= 0"}
receivers:
  - {name: log, log: {}}
"""


def printed(*arguments):
    answer = subprocess.run([BINARY, "reference", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.decode()


def read(*path):
    with open(os.path.join(ROOT, *path)) as file:
        return file.read()


class WrittenReference(unittest.TestCase):
    def assert_current(self, file, *arguments):
        difference = list(difflib.unified_diff(read("docs", file).splitlines(), printed(*arguments).splitlines(),
                                               "docs/" + file, "the program", lineterm=""))
        self.assertFalse(difference, f"docs/{file} is stale, run scripts/reference\n" + "\n".join(difference[:20]))

    def test_the_configuration_is_what_the_declarations_say(self):
        self.assert_current("configuration.md")

    def test_the_functions_are_what_the_table_says(self):
        self.assert_current("functions.md", "--functions")

    def test_the_metrics_are_what_the_tables_say(self):
        self.assert_current("metrics.md", "--metrics")

    def test_every_link_leads_to_a_heading(self):
        for path in PAGES:
            text = read(path)
            headings = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                        for heading in re.findall(r"^#+ (.*)$", text, re.M)}
            for target in re.findall(r"\]\(([^)]*)\)", text):
                if target.startswith("#"):
                    self.assertIn(target[1:], headings, path)
                elif "://" not in target:
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(path), target.split("#")[0])),
                                    f"{path}: {target}")

    def test_no_metric_and_no_key_is_without_a_word_about_it(self):
        rows = re.findall(r"^\| `(.*?)` \|(.*)\|$", read("docs", "metrics.md"), re.M)
        self.assertGreater(len(rows), 100)
        for name, rest in rows:
            kind, _, help_text = (cell.strip() for cell in rest.split(" | ", 2))
            self.assertIn(kind, ("gauge", "counter", "histogram", "summary", "untyped"), name)
            self.assertGreater(len(help_text), 8, name)
        names = [name for name, _ in rows]
        self.assertEqual(len(set(names)), len(names), "a metric stands in the tables twice")


class MetricsPage(unittest.TestCase):
    def test_everything_that_a_running_agent_serves_is_written_down(self):
        written = {re.escape(name).replace(r"\*", ".+"): kind
                   for name, kind in re.findall(r"^\| `(.*?)` \| (\w+) \|", read("docs", "metrics.md"), re.M)}
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        agent = Agent(AGENT, directory.name)
        self.addCleanup(agent.stop)
        agent.start()
        agent.metrics()  # the first rounds of the loop make the agent's own series
        wait_until(lambda: "sidewatch_http_requests_total" in agent.metrics() and agent.alerts("AlwaysTrue"),
                   "the agent to serve all of its metrics")
        _, _, page = agent.request("/metrics")
        served = re.findall(r"^# TYPE (\S+) (\w+)$", page.decode(), re.M)
        self.assertGreater(len(served), 100)
        for name, kind in served:
            kinds = [kind for pattern, kind in written.items() if re.fullmatch(pattern, name)]
            self.assertTrue(kinds, f"{name} is not in docs/metrics.md: does its table reach agent/metric_reference.cpp?")
            self.assertIn(kind, kinds, name)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads(printed("--json-schema"))
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def problems(self, text):
        return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
                for error in self.validator.iter_errors(yaml.safe_load(text))]

    def test_the_shipped_and_the_documented_configurations_conform(self):
        texts = [read(path) for path in glob.glob(os.path.join(ROOT, "config", "examples", "*.yaml"))]
        for path in PAGES:
            texts += re.findall(r"^```yaml\n(.*?)^```", read(path), re.M | re.S)
        self.assertGreaterEqual(len(texts), 2)
        for text in texts:
            self.assertEqual(self.problems(text), [], text)

    def test_mistakes_that_an_editor_should_mark_do_not_conform(self):
        for text, place in [
            ("agent: {intervall: 5s}", "agent"),
            ("agent: {interval: soon}", "agent.interval"),
            ("http: {max_connections: 1}", "http.max_connections"),
            ("collectors: {process: {name: bot}}", "collectors.process"),
            ("collectors: {process: [{match: {comm: node}}]}", "collectors.process.0"),
            ("rules: [{alert: A, expr: up, no_data: alert}]", "rules.0.no_data"),
            ("rules: [{alert: A, expr: up, warning: {over: 80}}]", "rules.0.warning"),
            ("rule_changes: [{alert: HostDiskFull, summary: full}]", "rule_changes.0"),
            ("receivers: [{name: a, pigeon: {}}]", "receivers.0"),
        ]:
            found = self.problems(text)
            self.assertTrue(any(problem.startswith(place + ":") for problem in found), f"{text}: {found}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
