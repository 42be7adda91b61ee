"""From a crossed threshold to the receiver and back: the real agent, a real process, a real HTTP receiver."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Agent, Hog, Receiver, temporary_directory, wait_until  # noqa: E402

COOLDOWN = 6.0

CONFIG = """
agent: {{interval: 200ms, state_dir: state}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  process:
    - name: hog
      match: {{pid_file: {pid_file}}}
rules:
  - alert: HogMemory
    expr: namedprocess_namegroup_memory_bytes{{groupname="hog",memtype="resident"}}
    warning: {{above: 100MiB, clear: 80MiB}}
    critical: {{above: 200MiB, clear: 160MiB}}
    cooldown: {cooldown}s
    labels: {{team: checkout}}
    summary: "{{{{ $labels.groupname }}}} holds {{{{ $value | humanize1024 }}}}B"
receivers:
  - name: hook
    webhook: {{url: "{url}"}}
"""

MIB = 1 << 20


class AlertPath(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        self.hog = Hog()
        self.addCleanup(self.hog.stop)
        pid_file = os.path.join(self.directory.name, "hog.pid")
        with open(pid_file, "w") as file:
            file.write(f"{self.hog.pid}\n")
        self.agent = Agent(CONFIG.format(pid_file=pid_file, cooldown=int(COOLDOWN), url=self.receiver.url),
                           self.directory.name)
        self.agent.start()
        self.addCleanup(self.agent.stop)

    def message(self, index):
        return self.receiver.taken()[index]["body"]

    def level_now(self):
        firing = self.agent.alerts("HogMemory")
        return firing[0]["level"] if firing else "ok"

    def passes(self, count):
        """Waits until the process was sampled `count` more times."""
        def ticks():
            return self.agent.metrics()["sidewatch_collector_passes_total{collector=\"process\"}"]
        target = ticks() + count
        wait_until(lambda: ticks() >= target, f"{count} passes of the process collector")

    def test_one_warning_one_critical_one_resolved_then_flapping_is_held_back(self):
        self.hog.hold(120)
        self.receiver.wait_for(1, "the warning")
        warning = self.message(0)
        self.assertEqual(warning["version"], "4")
        self.assertEqual(warning["status"], "firing")
        self.assertEqual(warning["alerts"][0]["labels"]["alertname"], "HogMemory")
        self.assertEqual(warning["alerts"][0]["labels"]["severity"], "warning")
        self.assertEqual(warning["alerts"][0]["labels"]["team"], "checkout")
        self.assertEqual(warning["alerts"][0]["level"], "warning")
        self.assertGreater(warning["alerts"][0]["value"], 100 * MIB)
        self.assertIn("hog holds 1", warning["alerts"][0]["annotations"]["summary"])

        fired_at = self.receiver.taken()[0]["at"]
        self.hog.hold(250)
        self.receiver.wait_for(2, "the critical one")
        critical = self.message(1)
        self.assertEqual(critical["alerts"][0]["level"], "critical")
        self.assertEqual(critical["alerts"][0]["reason"], "escalated")
        self.assertLess(self.receiver.taken()[1]["at"] - fired_at, COOLDOWN,
                        "an escalation does not wait for the cooldown")
        series = 'namedprocess_namegroup_memory_bytes{groupname="hog",memtype="resident"}'
        wait_until(lambda: self.agent.metrics()[series] > 250 * MIB, "a sample of all of the memory")

        self.hog.hold(0)
        self.receiver.wait_for(3, "the resolved one")
        resolved = self.message(2)
        self.assertEqual(resolved["status"], "resolved")
        alert = resolved["alerts"][0]
        self.assertEqual(alert["status"], "resolved")
        self.assertLess(alert["value"], 80 * MIB, "the value is the one at recovery")
        self.assertGreater(alert["peak"], 250 * MIB)
        self.assertGreater(alert["durationSeconds"], 0)
        self.assertEqual(alert["fingerprint"], warning["alerts"][0]["fingerprint"])
        self.passes(5)
        self.assertEqual(len(self.receiver.all()), 3, "exactly one warning, one critical, one resolved")

        # Two more incidents inside the cooldown, which counts from the critical message: not a word about them.
        critical_at = self.receiver.taken()[1]["at"]
        for _ in range(2):
            self.hog.hold(120)
            wait_until(lambda: self.level_now() == "warning", "the alert to fire again")
            self.hog.hold(0)
            wait_until(lambda: self.level_now() == "ok", "the alert to resolve again")
        self.hog.hold(120)
        wait_until(lambda: self.level_now() == "warning", "the alert to fire once more")
        self.assertLess(time.monotonic() - critical_at, COOLDOWN, "the flapping took longer than the cooldown")
        self.assertEqual(len(self.receiver.all()), 3, "flapping inside the cooldown sends nothing")

        self.receiver.wait_for(4, "what still fires when the cooldown is over")
        late = self.message(3)
        self.assertGreaterEqual(self.receiver.taken()[3]["at"] - critical_at, COOLDOWN - 0.5)
        self.assertEqual(late["alerts"][0]["level"], "warning")
        self.assertEqual(late["alerts"][0]["suppressed"], 3)
        self.passes(5)
        self.assertEqual(len(self.receiver.all()), 4)

        keys = [request["headers"]["idempotency-key"] for request in self.receiver.all()]
        self.assertEqual(len(set(keys)), 4, "every message has a key of its own")


if __name__ == "__main__":
    unittest.main(verbosity=2)
