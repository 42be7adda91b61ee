"""The README's section on the first alert, typed."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, Receiver, temporary_directory  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


class FirstAlert(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            self.section = re.search(r"^## The first alert.*?(?=^## )", file.read(), re.M | re.S)[0]
        self.config = os.path.join(self.directory.name, "sidewatch.yaml")
        self.by_hand, self.packaged = [re.findall(r"^    (.*)$", part, re.M)
                                       for part in self.section.split("The package watches already")]

    def type(self, commands):
        """What is typed, without what needs root, with our own address in the place of Discord's."""
        script = "\n".join(commands).replace("sudo ", "").replace("sidewatch notify", BINARY + " notify")
        script = script.replace("/etc/default/sidewatch", os.path.join(self.directory.name, "default"))
        script = script.replace("https://discord.com/api/webhooks/...", self.receiver.url)
        answer = subprocess.run(["sh", "-ec", script], cwd=self.directory.name, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))

    def expect_critical_test(self):
        [request] = self.receiver.taken()
        self.assertEqual(request["body"]["embeds"][0]["color"], 0xFF0000)
        self.assertIn("SidewatchTest", json.dumps(request["body"]))

    def test_by_hand(self):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(re.search(r"```yaml\n(.*?)```", self.section, re.S)[1])
        self.assertTrue(self.by_hand[-1].startswith("sidewatch run "), self.by_hand)
        self.type(self.by_hand[:-1])
        self.expect_critical_test()

    def test_with_the_package(self):
        receiver = re.search(r"^  - \{name: chat.*$", self.section, re.M)[0]
        with open(os.path.join(ROOT, "config", "packaged", "sidewatch.yaml"), encoding="utf-8") as file:
            packaged = file.read()
        self.assertEqual(packaged.count("\nreceivers:\n"), 1)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(packaged.replace("\nreceivers:\n", f"\nreceivers:\n{receiver}\n"))
        self.assertEqual(self.packaged[-1], "sudo systemctl restart sidewatch")
        self.assertIn("--level critical'", self.packaged[1])
        told = self.packaged[1].replace("--level critical'", f"--level critical -c {self.config}'")
        self.type([self.packaged[0], told])
        self.expect_critical_test()
        self.assertEqual(os.stat(os.path.join(self.directory.name, "default")).st_mode & 0o077, 0, "it holds a secret")

    def test_a_second_agent_says_that_one_runs_already(self):
        config = "collectors: {}\nhttp: {listen: 127.0.0.1:0}\n"
        agent = Agent(config, self.directory.name)
        self.addCleanup(agent.stop)
        agent.start()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(config.replace(":0}", f":{agent.port}}}"))
        second = subprocess.run([BINARY, "run", "--config", self.config], stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=DEADLINE)
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"127.0.0.1:{agent.port} is already in use; is another sidewatch running?", second.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
