"""Silences of the real agent: set, shown and ended by its own commands and by Debian's amtool; kept over kill -9."""

import json
import os
import re
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, Meminfo, Receiver, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, state_dir: "{state}"}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{roots: {{procfs: {procfs}}}}}
rules:
  - alert: MemoryLow
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning: "> 80"
    cooldown: 0s
    labels: {{team: shop}}
    summary: "Memory at {{{{ $value | humanize }}}} %"
receivers:
  - name: oncall
    webhook: {{url: "{url}"}}
"""


def run(*arguments, code=0):
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


# The disk that is full is the one under the test's own directory, mounted at /srv as far as the agent knows.
FULL_DISK = """
agent: {{interval: 200ms, state_dir: "{state}", host: web-1}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{roots: {{procfs: {procfs}, rootfs: {rootfs}}}}}
shipped_rules: [host]
rule_changes:
  - {{alert: HostDiskFull, warning: {{at_least: 0}}, for: 0s}}
receivers:
  - name: oncall
    webhook: {{url: "{url}"}}
"""
SOURCE = os.path.join(os.path.dirname(__file__), "..", "..")


def documented_lines():
    """Each `silence add` that the documents show as a line to type, as a list of words."""
    lines = []
    for name in ("README.md", "docs/silences.md"):
        with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
            found = re.findall(r"^    ((?:sidewatch|amtool) .*silence add .*)$", file.read(), re.MULTILINE)
        assert found, name
        lines += [shlex.split(line) for line in found]
    return lines


class DocumentedLines(unittest.TestCase):
    def test_each_holds_a_full_disk_and_says_so(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        memory = Meminfo(directory.name)
        with open(os.path.join(memory.root, "self", "mounts"), "w", encoding="utf-8") as file:
            file.write("/dev/vdb1 /srv ext4 rw,relatime 0 0\n")
        rootfs = os.path.join(directory.name, "root")
        os.makedirs(os.path.join(rootfs, "srv"))
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        agent = Agent(FULL_DISK.format(state=os.path.join(directory.name, "state"), procfs=memory.root, rootfs=rootfs,
                                       url=receiver.url), directory.name)
        self.addCleanup(agent.stop)
        agent.start()
        url = f"http://127.0.0.1:{agent.port}"
        shown = lambda: run(BINARY, "alerts", "--url", url).stdout  # noqa: E731
        wait_until(lambda: "HostDiskFull" in shown(), "the alert to fire")
        told = wait_until(lambda: [request["body"] for request in receiver.all()
                                   if request["body"]["alerts"][0]["labels"]["alertname"] == "HostDiskFull"], "the message")
        self.assertEqual(told[0]["host"], "web-1")
        self.assertNotIn("instance", told[0]["alerts"][0]["labels"])
        for words in documented_lines():
            self.assertNotIn("silenced", shown())
            if words[0] == "amtool":
                done = run("amtool", f"--alertmanager.url={url}", *words[2:])
            else:
                done = run(BINARY, *words[1:], "--url", url)
                self.assertEqual(done.stderr, "It holds the alert that fires.\n", words)
            self.assertRegex(done.stdout, r"^[0-9a-f-]{36}\n$")
            self.assertIn("(silenced)", shown(), words)
            run(BINARY, "silence", "expire", done.stdout.strip(), "--url", url)
        elsewhere = run(BINARY, "silence", "add", "alertname=HostDiskFull", "instance=web-2", "--url", url)
        self.assertIn("The alert that fires does not have these labels", elsewhere.stderr)
        self.assertRegex(elsewhere.stdout, r"^[0-9a-f-]{36}\n$")
        self.assertNotIn("silenced", shown())
        self.assertIn('instance="web-1"', run("amtool", f"--alertmanager.url={url}", "-o", "extended", "alert", "query").stdout)


class Silences(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.memory = Meminfo(directory.name)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        self.state = os.path.join(directory.name, "state")
        self.agent = Agent(CONFIG.format(state=self.state, procfs=self.memory.root,
                                         url=self.receiver.url), directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.agent.port}"

    def sidewatch(self, *arguments, code=0):
        return run(BINARY, *arguments, "--url", self.url, code=code)

    def amtool(self, *arguments, code=0):
        return run("amtool", f"--alertmanager.url={self.url}", *arguments, code=code)

    def silences(self):
        return json.loads(self.amtool("silence", "query", "-o", "json").stdout)

    def test_the_agents_commands_set_show_and_end_a_silence(self):
        added = self.sidewatch("silence", "add", "alertname=MemoryLow", 'team=~"shop|pay"', "--for", "2h",
                               "--comment", "new memory", "--by", "ann")
        self.assertEqual(added.stderr, "Nothing fires now: it holds what comes.\n")
        silence = added.stdout.strip()
        self.assertRegex(silence, r"^[0-9a-f-]{36}$")
        shown = self.sidewatch("silence", "ls").stdout
        self.assertRegex(shown, rf"{silence}  active +in (2h|1h 59m)  +ann +alertname=\"MemoryLow\", team=~\"shop\|pay\"  +new memory")
        self.agent.kill()
        self.agent.start()
        self.assertIn(silence, self.sidewatch("silence", "ls").stdout, "it survives kill -9")
        self.assertIn("has ended", self.sidewatch("silence", "expire", silence).stdout)
        self.assertEqual(self.sidewatch("silence", "ls").stdout, "No silence is in force.\n")
        self.assertRegex(self.sidewatch("silence", "ls", "--all").stdout, rf"{silence}  expired")
        self.assertIn("has ended already", self.sidewatch("silence", "expire", silence, code=1).stderr)

    def test_amtool_sets_shows_and_ends_a_silence(self):
        silence = self.amtool("silence", "add", "alertname=MemoryLow", "--duration=1h", "--author=bob",
                              "--comment=moving").stdout.strip()
        found = self.silences()
        self.assertEqual([one["id"] for one in found], [silence])
        self.assertEqual(found[0]["createdBy"], "bob")
        self.assertIn(silence, self.sidewatch("silence", "ls").stdout)
        self.assertIn(silence, self.amtool("silence", "query", "alertname=MemoryLow").stdout)
        self.assertNotIn(silence, self.amtool("silence", "query", "alertname=Other").stdout)
        self.amtool("silence", "update", "--duration=3h", silence)
        self.assertEqual(len(self.silences()), 1)
        self.amtool("silence", "expire", silence)
        self.assertEqual(self.silences(), [])

    def test_what_fires_is_listed_with_its_silence(self):
        self.assertEqual(self.sidewatch("alerts").stdout, "Nothing fires.\n")
        self.memory.use(90)
        wait_until(lambda: "warning" in self.sidewatch("alerts").stdout, "the alert to fire")
        self.assertRegex(self.sidewatch("alerts").stdout, r"warning +MemoryLow +team=shop +9\d(\.\d+)? .* ago +Memory at 90 %")
        self.assertIn("MemoryLow", self.amtool("alert", "query").stdout)
        self.sidewatch("silence", "add", "team=shop")
        self.assertIn("warning (silenced)", self.sidewatch("alerts").stdout)
        self.assertNotIn("MemoryLow", self.amtool("alert", "query").stdout)
        self.assertIn("MemoryLow", self.amtool("alert", "query", "--silenced").stdout)

    def told(self):
        return [(request["body"]["status"], alert["reason"]) for request in self.receiver.requests
                for alert in request["body"]["alerts"]]

    def test_what_still_fires_when_a_silence_ends_is_told_once_and_its_end_too(self):
        silence = self.sidewatch("silence", "add", "alertname=MemoryLow").stdout.strip()
        self.memory.use(90)
        held = 'sidewatch_notifications_held{receiver="oncall"}'
        wait_until(lambda: self.agent.metrics().get(held) == 1, "the message to be held back")
        self.assertEqual(self.agent.metrics()["sidewatch_silences_active"], 1)
        self.agent.kill()
        self.agent.start()
        wait_until(lambda: self.agent.metrics().get(held) == 1, "the message to be held back after kill -9, too")
        self.assertEqual(self.told(), [])
        self.sidewatch("silence", "expire", silence)
        wait_until(lambda: self.told() == [("firing", "fired")], "the message")
        self.sidewatch("silence", "add", "alertname=MemoryLow")
        self.memory.use(10)
        wait_until(lambda: self.told() == [("firing", "fired"), ("resolved", "resolved")], "the end of what was told")

    def test_what_began_and_ended_in_silence_is_never_told(self):
        silence = self.amtool("silence", "add", "team=shop", "--comment=test").stdout.strip()
        self.memory.use(90)
        wait_until(lambda: self.agent.metrics().get('sidewatch_notifications_held{receiver="oncall"}') == 1, "the hold")
        self.memory.use(10)
        wait_until(lambda: self.agent.metrics().get('sidewatch_notifications_silenced_total{receiver="oncall"}') == 1,
                   "the message to be dropped")
        self.assertRegex(self.agent.log(), "alert fired.* sent=fired silenced_by=" + silence)
        self.amtool("silence", "expire", silence)
        self.memory.use(90)
        wait_until(lambda: self.told(), "the next incident")
        self.assertEqual(self.told(), [("firing", "fired")])

    def test_mistakes_are_said_in_a_sentence(self):
        self.assertIn("=~", self.sidewatch("silence", "add", "MemoryLow", code=2).stderr)
        self.assertIn("--for", self.sidewatch("silence", "add", "a=b", "--for", "soon", code=2).stderr)
        refused = self.sidewatch("silence", "add", "a=~.*", code=1).stderr
        self.assertRegex(refused, r"^sidewatch: http://127\.0\.0\.1:\d+: at least one matcher must ask for a label that is there")
        self.assertIn("no silence's id", self.sidewatch("silence", "expire", "../x", code=2).stderr)
        away = run(BINARY, "silence", "ls", "--url", "http://127.0.0.1:1", code=1).stderr
        self.assertRegex(away, r"^sidewatch: .*127\.0\.0\.1:1")

    def test_a_damaged_file_is_put_aside_and_said(self):
        self.sidewatch("silence", "add", "team=shop")
        self.agent.stop()
        path = os.path.join(self.state, "silences.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write("half a fi")
        self.agent.start()
        wait_until(lambda: "silences of the last run cannot be read" in self.agent.log(), "the log to say it")
        with open(path + ".damaged", encoding="utf-8") as file:
            self.assertEqual(file.read(), "half a fi")
        self.sidewatch("silence", "add", "team=shop")
        self.assertTrue(os.path.exists(path))


if __name__ == "__main__":
    unittest.main(verbosity=2)
