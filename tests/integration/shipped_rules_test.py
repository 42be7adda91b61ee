"""The rules of config/rules as users get them: their unit tests pass and leave none of them out, every metric and label
that they name exists, docs/shipped-rules.md lists them as they are, all of them make one configuration, and none of them
fails on this machine.

Runs on Debian's own Python, where scripts/setup puts python3-yaml.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, Receiver, temporary_directory, wait_until  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SETS = ["host", "process", "container", "sqlite", "postgresql", "mysql", "redis", "memcached", "exec", "heartbeat", "red",
        "queue", "statsd", "probe"]
OF_SERVICES = ["red", "queue"]  # they judge what services show under names of their own
TESTS = sorted(glob.glob(os.path.join(ROOT, "tests", "cases", "shipped_rules", "*.yml")))

# What every Linux has, so that these rules have a value everywhere. The others need a disk, a network, a container, ...
EVERYWHERE = {"HostCpuHigh", "HostCpuSteal", "HostLoadHigh", "HostMemoryHigh", "HostSwapThrashing", "HostOomKill",
              "HostFileHandlesHigh", "ProcessAbsent", "ProcessRestarting", "ProcessCpuHigh", "ProcessMemoryHigh",
              "ProcessFileDescriptorsHigh", "ProcessThreadsHigh", "ProcessBlocked", "ProcessZombies"}

ALL = """
agent: {interval: 200ms, labels: {service: shop}}
http: {listen: "127.0.0.1:0"}
collectors:
  host: {}
  process: [{name: agent, match: {pid: self}}]
shipped_rules: [SETS]
""".replace("SETS", ", ".join(SETS))


SERVICE = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors: {{process: [{{name: checkout, match: {{comm: checkout}}}}]}}
shipped_rules: [process]
rule_changes: [{{alert: ProcessAbsent, for: 0s}}]
receivers: [{{name: hook, webhook: {{url: "{url}"}}}}]
"""


def load(path):
    with open(path) as file:
        return yaml.safe_load(file)


def run(*arguments):
    return subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE)


def rules(sets=tuple(SETS)):
    for name in sets:
        for group in load(os.path.join(ROOT, "config", "rules", name + ".yaml"))["groups"]:
            yield from group["rules"]


RULES = {rule["alert"]: rule for rule in rules()}
OF_OTHERS = {rule["alert"] for rule in rules(OF_SERVICES)}


def message_checks():
    """(file, alert, the messages that it expects, the labels of its series)"""
    for path in TESTS:
        for test in load(path)["tests"]:
            labels = {label for series in test["input_series"] for label in re.findall(r"(\w+)=", series["series"])}
            for check in test["message_test"]:
                yield os.path.basename(path), check["alertname"], check["exp_messages"], labels


class UnitTests(unittest.TestCase):
    def test_all_pass(self):
        self.assertGreaterEqual(len(TESTS), 18)
        answer = run("test", *TESTS)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)

    def test_every_rule_is_seen_firing_at_each_of_its_levels_and_resolving(self):
        seen = {}
        for _, alert, messages, _ in message_checks():
            seen.setdefault(alert, set()).update(message["level"] for message in messages)
        for name, rule in RULES.items():
            levels = {level for level in ("warning", "critical") if level in rule} | {"ok"}
            self.assertEqual(seen.get(name), levels, name)

    def test_every_rule_is_seen_letting_something_harmless_be(self):
        quiet = {alert for _, alert, messages, _ in message_checks() if not messages}
        self.assertEqual(quiet, set(RULES))

    def test_hysteresis_is_tested_where_there_is_some(self):
        """A value between the bound and its clear value must be in a series: the test says so in its name."""
        names = [test["name"] for path in TESTS for test in load(path)["tests"]]
        for name, rule in RULES.items():
            distances = [abs(level["clear"] - next(v for k, v in level.items() if k in ("above", "below", "at_least")))
                         for level in (rule.get("warning"), rule.get("critical")) if level and "clear" in level]
            if any(distances) and "increase(" not in rule["expr"]:
                self.assertTrue(any(n.startswith(name + " ") and ("clear value" in n or "back" in n or "cleaned" in n)
                                    for n in names), name)


class Texts(unittest.TestCase):
    def test_every_rule_says_what_is_the_case_and_what_to_do_first(self):
        for name, rule in RULES.items():
            self.assertLess(len(re.sub(r"\{\{.*?\}\}", "#", rule["summary"])), 100, name)
            self.assertGreater(len(rule["description"]), 60, name)
            self.assertIn("$value", rule["summary"], f"{name} says the same when it is over")

    def test_no_text_names_a_label_that_its_alert_does_not_have(self):
        expected = {}
        for _, alert, messages, _ in message_checks():
            for message in messages:
                expected.setdefault(alert, set()).update(message.get("exp_labels", {}))
        for name, rule in RULES.items():
            used = set(re.findall(r"\$labels\.(\w+)", rule["summary"] + rule["description"]))
            self.assertLessEqual(used, expected.get(name, set()), f"{name}: not in the exp_labels of its tests")


class Documentation(unittest.TestCase):
    SIGNS = {"above": ">", "at_least": "≥", "below": "<", "at_most": "≤"}

    def level(self, level):
        if not level:
            return ""
        key = next(key for key in level if key in self.SIGNS)
        text = f"{self.SIGNS[key]} {level[key]}"
        if level.get("clear", level[key]) != level[key]:
            text += f" (clear {level['clear']})"
        return text + (f", for {level['for']}" if "for" in level else "")

    def test_lists_every_rule_with_its_levels_and_no_other(self):
        with open(os.path.join(ROOT, "docs", "shipped-rules.md")) as file:
            rows = re.findall(r"^\| `(\w+)` \| [^|]{4,} \| (.*?) ?\| (.*?) ?\| (.*?) ?\|$", file.read(), re.M)
        self.assertEqual(rows, [(name, self.level(rule.get("warning")), self.level(rule.get("critical")),
                                 rule.get("for", "")) for name, rule in RULES.items()])

    def test_the_program_prints_the_files(self):
        for name in SETS:
            with open(os.path.join(ROOT, "config", "rules", name + ".yaml")) as file:
                self.assertEqual(run("reference", "--rules", name).stdout, file.read())


class Metrics(unittest.TestCase):
    def test_the_agent_knows_every_metric_that_a_rule_names(self):
        listed = re.findall(r"^\| `(.*?)` \|", run("reference", "--metrics").stdout, re.M)
        self.assertGreater(len(listed), 300)
        patterns = [re.escape(name).replace(r"\*", r"[A-Za-z0-9_]+") for name in listed]
        for name, rule in RULES.items():
            named = set(re.findall(r"\b((?:exec|heartbeat|node|namedprocess|container|pg|mysql|probe|redis|memcached|sidewatch)_\w+|ALERTS)\b",
                                   re.sub(r'"[^"]*"', "", rule["expr"])))
            self.assertTrue(named or name in OF_OTHERS, name)
            for metric in named if name not in OF_OTHERS else ():
                self.assertTrue(any(re.fullmatch(pattern, metric) for pattern in patterns), f"{name}: {metric}")


class OneConfiguration(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)

    def test_check_lists_all_of_them_and_the_files_are_those_in_the_program(self):
        path = os.path.join(self.directory.name, "all.yaml")
        for source in ("shipped_rules: [%s]" % ", ".join(SETS),
                       "rule_files: ['%s/config/rules/*.yaml']" % ROOT):
            with open(path, "w") as file:
                file.write(source)
            answer = run("check", path)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertEqual(set(re.findall(r"^    (\w+): ", answer.stdout, re.M)), set(RULES))

    def test_none_fails_on_this_machine(self):
        agent = Agent(ALL, self.directory.name)
        self.addCleanup(agent.stop)
        agent.start()

        def evaluated():
            _, _, body = agent.request("/api/v1/rules")
            found = {rule["name"]: rule for group in json.loads(body)["data"]["groups"] for rule in group["rules"]}
            return found if all(found[name]["health"] != "unknown" for name in RULES) else None

        found = wait_until(evaluated, "every rule to be evaluated once")
        for name in RULES:
            self.assertEqual((found[name]["health"], found[name].get("lastError", "")), ("ok", ""), name)

    def test_every_expression_can_be_asked_for_with_sidewatch_query(self):
        agent = Agent(ALL, self.directory.name)
        self.addCleanup(agent.stop)
        agent.start()
        address = "http://127.0.0.1:%d" % agent.port

        def ask(name):
            answer = run("query", RULES[name]["expr"], "--json", "--url", address)
            self.assertEqual(answer.returncode, 0, name + ": " + answer.stderr)
            return json.loads(answer.stdout)["data"]["result"]

        wait_until(lambda: ask("ProcessCpuHigh") and ask("HostCpuHigh"), "two samples of each counter")
        answered = {name for name in RULES if ask(name)}
        self.assertLessEqual(EVERYWHERE, answered)


class Told(unittest.TestCase):
    def test_a_service_that_ends_and_comes_back_is_told_with_the_words_of_both(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        service = os.path.join(directory.name, "checkout")
        os.symlink(shutil.which("sleep"), service)
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        agent = Agent(SERVICE.format(url=receiver.url), directory.name)
        self.addCleanup(agent.stop)

        def run_service():
            process = subprocess.Popen([service, "600"])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            return process

        first = run_service()
        agent.start()
        number = 'namedprocess_namegroup_num_procs{groupname="checkout"}'
        wait_until(lambda: agent.metrics().get(number) == 1, "the service to be seen")
        first.kill()
        first.wait()
        receiver.wait_for(1, "that it is gone")
        run_service()
        told = [request["body"]["alerts"][0] for request in receiver.wait_for(2, "that it is back")]
        self.assertEqual([(alert["labels"]["alertname"], alert["reason"], alert["annotations"]["summary"]) for alert in told],
                         [("ProcessAbsent", "fired", "checkout is not running"),
                          ("ProcessAbsent", "resolved", "checkout runs again")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
