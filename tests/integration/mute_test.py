"""Mute times of the real agent: a route that names one tells nobody while it lasts, and tells what still fires afterwards.

The clock cannot be turned: the mute time of this test lasts until a reload takes it away. When which ends is shown by
tests/alerting/delivery.
"""

import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, Meminfo, Receiver, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{roots: {{procfs: {procfs}}}}}
rules:
  - alert: MemoryHigh
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning: "> 80"
    cooldown: 0s
receivers:
  - name: oncall
    webhook: {{url: "{oncall}"}}
  - name: chat
    webhook: {{url: "{chat}"}}
mute_times:
  - name: always
    times: [{{days: [mon-sun]}}]
routes:
  - {{receivers: [oncall], continue: true}}
  - {{receivers: [chat], mute: [{mute}]}}
"""


class MuteTimes(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.memory = Meminfo(directory.name)
        self.oncall, self.chat = Receiver(), Receiver()
        for receiver in (self.oncall, self.chat):
            self.addCleanup(receiver.stop)
        self.agent = Agent(self.config("always"), directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def config(self, mute):
        return CONFIG.format(procfs=self.memory.root, oncall=self.oncall.url, chat=self.chat.url, mute=mute)

    @staticmethod
    def told(receiver):
        return [alert["reason"] for request in receiver.requests for alert in request["body"]["alerts"]]

    def test_the_muted_route_waits_and_the_other_does_not(self):
        self.memory.use(90)
        wait_until(lambda: self.told(self.oncall) == ["fired"], "the one who is not muted to be told")
        wait_until(lambda: self.agent.metrics().get('sidewatch_notifications_held{receiver="chat"}') == 1, "the hold")
        self.assertEqual(self.told(self.chat), [])
        self.assertNotIn("muted", self.alerts(), "oncall is told")
        # The message that waits names the mute time still; with the time itself gone it may go.
        self.agent.write_config(self.config("").replace("mute_times:\n  - name: always\n    times: [{days: [mon-sun]}]\n", ""))
        self.agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.told(self.chat) == ["fired"], "the message once nothing mutes it")
        self.memory.use(10)
        wait_until(lambda: self.told(self.chat) == ["fired", "resolved"], "its end")

    def alerts(self):
        return subprocess.run([BINARY, "alerts", "--url", f"http://127.0.0.1:{self.agent.port}"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE, check=True).stdout

    def test_an_alert_of_which_nobody_is_told_now_is_shown_as_muted_also_after_a_reload(self):
        self.memory.use(90)
        wait_until(lambda: self.told(self.oncall) == ["fired"], "the one who is not muted to be told")
        self.assertNotIn("muted", self.alerts())
        self.agent.write_config(self.config("always").replace("receivers: [oncall], continue", "receivers: [oncall], mute: [always], continue"))
        self.agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "warning (muted for more than a year: always)  MemoryHigh" in self.alerts(), "the mark")
        routes = subprocess.run([BINARY, "routes", "test", "--config", self.agent.config_path], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=DEADLINE, check=True).stdout
        self.assertIn("chat (not now: muted for more than a year: always)", routes)

    def test_what_comes_and_goes_while_muted_is_never_told(self):
        self.memory.use(90)
        wait_until(lambda: self.told(self.oncall) == ["fired"], "the one who is not muted to be told")
        self.memory.use(10)
        wait_until(lambda: self.told(self.oncall) == ["fired", "resolved"], "and of its end")
        wait_until(lambda: self.agent.metrics().get('sidewatch_notifications_silenced_total{receiver="chat"}') == 1,
                   "the message to be dropped")
        self.assertEqual(self.told(self.chat), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
