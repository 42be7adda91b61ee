"""Alerts of the real agent in a cluster of two real Alertmanagers: there once, for as long as they fire, and then gone."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from alertmanager import PROGRAM, Alertmanager  # noqa: E402
from harness import Agent, Hog, temporary_directory, wait_until  # noqa: E402

INTERVAL = 5  # the shortest; Alertmanager's own resolve_timeout is shorter than four of them

CONFIG = """
agent: {{interval: 200ms, state_dir: state}}
http: {{listen: "127.0.0.1:0", external_url: "http://agent.example:9766"}}
collectors:
  process: [{{name: hog, match: {{pid_file: hog.pid}}}}]
rules:
  - alert: HogMemory
    expr: namedprocess_namegroup_memory_bytes{{groupname="hog",memtype="resident"}}
    warning: {{above: 100MiB, clear: 80MiB}}
    critical: {{above: 200MiB, clear: 160MiB}}
    summary: "{{{{ $labels.groupname }}}} holds too much"
receivers:
  - name: cluster
    alertmanager: {{urls: ["{first}", "{second}"], interval: {interval}s, instance: web-1, timeout: 2s}}
"""


@unittest.skipUnless(os.path.exists(PROGRAM), "needs prometheus-alertmanager")
class Cluster(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.first = Alertmanager(directory.name, "first")
        self.addCleanup(self.first.stop)
        self.second = Alertmanager(directory.name, "second", peer=self.first)
        self.addCleanup(self.second.stop)
        wait_until(lambda: self.first.peers() == 2 and self.second.peers() == 2, "the two to be a cluster")
        self.hog = Hog()
        self.addCleanup(self.hog.stop)
        with open(os.path.join(directory.name, "hog.pid"), "w", encoding="ascii") as file:
            file.write(f"{self.hog.pid}\n")
        self.agent = Agent(CONFIG.format(first=self.first.url, second=self.second.url, interval=INTERVAL), directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def wait_for(self, peer, severities):
        wait_until(lambda: [alert["labels"]["severity"] for alert in peer.firing()] == severities,
                   f"{severities} to fire in {peer.url}")

    def test_it_is_there_once_for_as_long_as_it_fires(self):
        self.hog.hold(120)
        for peer in (self.first, self.second):
            self.wait_for(peer, ["warning"])
        alert = self.first.firing()[0]
        self.assertEqual(alert["labels"], {"alertname": "HogMemory", "groupname": "hog", "memtype": "resident",
                                           "instance": "web-1", "severity": "warning"})
        self.assertEqual(alert["annotations"]["summary"], "hog holds too much")
        self.assertEqual(alert["generatorURL"], "http://agent.example:9766")

        self.hog.hold(250)  # another alert to Alertmanager, which must not leave the warning behind
        for peer in (self.first, self.second):
            self.wait_for(peer, ["critical"])
        # Longer than the end that it was given: it is there because it was sent again.
        began = self.first.firing()[0]["startsAt"]
        given = self.first.firing()[0]["endsAt"]
        wait_until(lambda: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) > given, "the first end to pass", deadline=60)
        for peer in (self.first, self.second):
            self.assertEqual([a["startsAt"] for a in peer.firing()], [began])

        self.hog.hold(10)
        for peer in (self.first, self.second):
            self.wait_for(peer, [])

    def test_a_peer_that_was_away_hears_of_what_fires_and_nobody_waits_for_it(self):
        self.second.stop()
        self.hog.hold(120)
        self.wait_for(self.first, ["warning"])
        self.hog.hold(250)
        self.wait_for(self.first, ["critical"])
        self.assertTrue(self.second.start(), "its ports to be free still")
        self.wait_for(self.second, ["critical"])
        self.hog.hold(10)
        for peer in (self.first, self.second):
            self.wait_for(peer, [])

    def test_what_fires_is_over_soon_after_the_agent_was_killed(self):
        self.hog.hold(120)
        self.wait_for(self.first, ["warning"])
        self.agent.kill()
        wait_until(lambda: self.first.firing() == [], "the alert to end by itself", deadline=60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
