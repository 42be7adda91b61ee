"""`sidewatch notify test`, the real binary: what it sends to a receiver of a configuration, what it shows, how it ends."""

import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Receiver, temporary_directory  # noqa: E402

CONFIG = """
agent: {{host: web-7, labels: {{service: shop}}}}
http: {{external_url: "https://sidewatch.example.org"}}
receivers:
  - name: oncall
    webhook: {{url: "{url}?key=t0psecret", bearer_token: hunter22, timeout: 2s}}
  - name: console
    log: {{}}
"""


def notify(*arguments):
    return subprocess.run([BINARY, "notify", "test", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE)


class NotifyTest(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "sidewatch.yaml")

    def start(self, behaviour=lambda number: 200):
        self.receiver = Receiver(behaviour)
        self.addCleanup(self.receiver.stop)
        self.configure(self.receiver.url)

    def configure(self, url):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(url=url))

    def test_it_sends_a_message_and_shows_both_sides_without_secrets(self):
        self.start()
        done = notify("oncall", "--level", "critical", "--config", self.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.receiver.requests), 1)
        request = self.receiver.requests[0]
        self.assertEqual(request["headers"]["authorization"], "Bearer hunter22")
        alert = request["body"]["alerts"][0]
        self.assertEqual(alert["labels"]["alertname"], "SidewatchTest")
        self.assertEqual(alert["labels"], {"alertname": "SidewatchTest", "service": "shop", "severity": "critical"},
                         "no richer than a real one")
        self.assertEqual(request["body"]["host"], "web-7")
        self.assertEqual((alert["status"], alert["level"]), ("firing", "critical"))
        self.assertEqual(request["body"]["externalURL"], "https://sidewatch.example.org")
        self.assertIn("Authorization: <...>", done.stdout)
        self.assertIn('"alertname":"SidewatchTest"', done.stdout)
        self.assertIn("--- answered\nHTTP 200\n", done.stdout)
        self.assertIn("oncall (webhook ", done.stdout)
        self.assertIn(") took the message\n", done.stdout)
        for secret in ("hunter22", "t0psecret"):
            self.assertNotIn(secret, done.stdout + done.stderr)

    def test_it_sends_that_all_is_well_again(self):
        self.start()
        self.assertEqual(notify("oncall", "--level", "critical", "-c", self.path).returncode, 0)
        self.assertEqual(notify("oncall", "--level", "resolved", "-c", self.path).returncode, 0)
        opened, alert = (request["body"]["alerts"][0] for request in self.receiver.requests)
        self.assertEqual((alert["status"], alert["level"], alert["value"]), ("resolved", "ok", 41))
        self.assertEqual(alert["fingerprint"], opened["fingerprint"], "it ends what the other opened")
        keys = {request["headers"]["idempotency-key"] for request in self.receiver.requests}
        self.assertEqual(len(keys), 2, "each is a message of its own")

    def test_it_says_that_a_receiver_did_not_take_it(self):
        self.start(lambda number: 403)
        done = notify("oncall", "-c", self.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("did not take the message: HTTP 403", done.stderr)
        self.assertIn("its address or its credentials are wrong", done.stderr)
        self.assertEqual(len(self.receiver.requests), 1, "it is tried once")

    def test_it_says_that_nobody_is_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # bound and not listening: refuses, and nobody else gets the port
            self.configure(f"http://127.0.0.1:{unused.getsockname()[1]}/hook")
            done = notify("oncall", "-c", self.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("did not take the message: ", done.stderr)
        self.assertIn("An agent would try again", done.stderr)

    def test_the_log_receiver_writes_its_line_to_the_terminal(self):
        self.configure("http://127.0.0.1:1/")
        done = notify("console", "-c", self.path)
        self.assertEqual(done.returncode, 0)
        self.assertIn("FIRING warning SidewatchTest", done.stdout)

    def test_a_receiver_that_is_left_out_is_told_from_one_that_does_not_exist(self):
        with open(self.path, "w") as file:
            file.write("collectors: {}\nreceivers:\n  - {name: console, log: {}}\n"
                       "  - {name: chat, only_if: '${CHAT_URL:-}', webhook: {url: '${CHAT_URL:-}'}}\n")
        done = notify("chat", "-c", self.path)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("the receiver 'chat' of " + self.path + " is left out, because its only_if is empty here. Is its "
                      "variable set where you type this?\n", done.stderr)
        check = subprocess.run([BINARY, "check", self.path], capture_output=True, text=True, timeout=60)
        self.assertIn("  console: the log\n  chat is left out, because its only_if is empty here\n", check.stdout)

    def test_an_unknown_receiver_and_a_broken_configuration_are_told(self):
        self.configure("http://127.0.0.1:1/")
        done = notify("onkall", "-c", self.path)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("has no receiver 'onkall' that is in use; it has oncall, console", done.stderr)
        self.configure("hooks.example.org")
        done = notify("oncall", "-c", self.path)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"sidewatch.yaml:6:\d+: url")
        done = notify("oncall", "-c", os.path.join(self.directory.name, "away.yaml"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("away.yaml", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
