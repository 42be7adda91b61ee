"""Who is told of what: the real agent with routes, groups and a rate limit, and a receiver for each of them."""

import json
import os
import sys
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, Receiver, temporary_directory, wait_until  # noqa: E402

import subprocess  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, state_dir: state}}
http: {{listen: "127.0.0.1:0"}}
collectors: {{push: {{}}}}
rules:
  - alert: DiskFull
    expr: disk_used
    warning: {{above: 80, clear: 70}}
    critical: {{above: 95, clear: 90}}
    cooldown: 1s
receivers:
  - name: pager
    webhook: {{url: "{pager}"}}
  - name: chat
    webhook: {{url: "{chat}"}}
    rate_limit: {{messages: {messages}, per: {per}}}
routes:
  - {{match: 'severity="critical"', receivers: pager, continue: true}}
  - {{receivers: [chat], group_by: [alertname], group_wait: {wait}}}
"""


class Routing(unittest.TestCase):
    def start(self, wait="1s", messages=100, per="1m"):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.pager, self.chat = Receiver(), Receiver()
        self.addCleanup(self.pager.stop)
        self.addCleanup(self.chat.stop)
        self.config = CONFIG.format(pager=self.pager.url, chat=self.chat.url, wait=wait, messages=messages, per=per)
        self.agent = Agent(self.config, self.directory)
        self.agent.start()
        self.addCleanup(self.agent.stop)

    def push(self, **disks):
        body = {'disk_used{disk="%s"}' % disk: value for disk, value in disks.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.agent.port}/api/v1/push", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=DEADLINE).close()

    @staticmethod
    def told(receiver):
        """(disk, reason) of everything that it took."""
        return [(alert["labels"]["disk"], alert["reason"])
                for post in receiver.taken() for alert in post["body"]["alerts"]]

    def test_the_level_decides_who_is_told_and_both_hear_the_end(self):
        self.start()
        self.push(a=85, b=86, c=87)
        self.chat.wait_for(1, "the warnings")
        self.assertEqual(sorted(self.told(self.chat)), [("a", "fired"), ("b", "fired"), ("c", "fired")],
                         "one message tells them all")
        self.assertEqual(self.chat.taken()[0]["body"]["groupLabels"], {"alertname": "DiskFull"})
        self.assertEqual(self.pager.taken(), [])

        self.push(a=97)
        self.pager.wait_for(1, "the critical one")
        self.chat.wait_for(2, "the critical one")
        self.push(a=20, b=20)
        self.pager.wait_for(2, "the end")
        wait_until(lambda: len(self.told(self.chat)) == 6, "the ends")
        self.assertEqual(self.told(self.pager), [("a", "escalated"), ("a", "resolved")])
        self.assertEqual(sorted(self.told(self.chat)[4:]), [("a", "resolved"), ("b", "resolved")])
        metrics = self.agent.metrics()
        self.assertGreaterEqual(metrics['sidewatch_notifications_grouped_total{receiver="chat"}'], 3)

    def test_what_is_above_the_rate_limit_is_told_in_a_digest(self):
        self.start(wait="0s", messages=1, per="12s")
        self.push(a=85)
        self.chat.wait_for(1, "the first")
        self.push(b=85)
        wait_until(lambda: self.agent.metrics()['sidewatch_notifications_rate_limited_total{receiver="chat"}'] >= 1,
                   "the limit to be reached")
        self.push(c=85, d=85)
        self.chat.wait_for(2, "the digest")
        self.assertEqual(sorted(self.told(self.chat)), [(disk, "fired") for disk in "abcd"])
        posts = self.chat.taken()
        self.assertGreaterEqual(posts[1]["at"] - posts[0]["at"], 11)

    def test_what_waits_for_its_group_survives_a_kill(self):
        self.start(wait="1h")
        self.push(a=85, b=85)
        wait_until(lambda: self.agent.metrics()['sidewatch_notifications_pending{receiver="chat"}'] == 2, "both to wait")
        self.agent.kill()
        self.agent.start()
        self.chat.wait_for(1, "what waited")
        self.assertEqual(sorted(self.told(self.chat)), [("a", "fired"), ("b", "fired")])

    def test_the_command_says_who_would_be_told(self):
        self.start()
        path = os.path.join(self.directory, "asked.yaml")
        with open(path, "w") as file:
            file.write(self.config)
        answer = subprocess.run([BINARY, "routes", "test", "--config", path, "severity=critical"], capture_output=True,
                                stdin=subprocess.DEVNULL, timeout=DEADLINE, text=True)
        self.assertEqual(answer.stdout,
                         'Route 1 takes it: severity="critical": pager; then on to the next\n'
                         "Route 2 takes it: every alert: chat, grouped by alertname (the first waits 1s)\n"
                         "Told: pager, chat\n")
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
