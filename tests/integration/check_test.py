"""What `sidewatch check` says: exactly the expected lines for each broken configuration, a summary for each good one.

tests/cases/check/<name>.yaml is checked from its own folder and must give <name>.expected on stderr, nothing on stdout
and exit code 2. To take over a message that was changed on purpose: UPDATE_EXPECTED=1, then read the difference.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CASES = os.path.join(ROOT, "tests", "cases", "check")
UPDATE = os.environ.get("UPDATE_EXPECTED") == "1"

# All that the agent sees: no variable of whoever runs the test.
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}

# The variables that the documentation names, as their services have them: the form is judged.
VARIABLES = {
    "ONCALL_URL": "https://hooks.example/x", "WEBHOOK_SECRET": "whsec_c2VjcmV0",
    "DISCORD_URL": "https://discord.com/api/webhooks/1/token", "SLACK_URL": "https://hooks.slack.com/services/T1/B1/x1",
    "TELEGRAM_TOKEN": "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0", "NTFY_TOPIC": "alerts", "NTFY_TOKEN": "tk_secret",
    "TEAMS_URL": "https://x.00.environment.api.powerplatform.com/powerautomate/workflows/1?sp=x&sig=abc",
}

# What stands in a file of that name where the documentation reads one: the form is judged.
SECRETS = {"webhook_url": "https://hooks.example/x", "pagerduty": "0123456789abcdef0123456789abcdef"}


def check(path, directory, environment=None):
    return subprocess.run([BINARY, "check", path], cwd=directory, env={**ENVIRONMENT, **(environment or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE)


class BrokenConfigurations(unittest.TestCase):
    def test_each_gives_exactly_its_messages(self):
        names = sorted(os.path.basename(path)[:-len(".yaml")] for path in glob.glob(os.path.join(CASES, "*.yaml")))
        self.assertGreaterEqual(len(names), 30)
        for name in names:
            with self.subTest(name):
                answer = check(name + ".yaml", CASES)
                expected_path = os.path.join(CASES, name + ".expected")
                if UPDATE:
                    with open(expected_path, "wb") as file:
                        file.write(answer.stderr)
                with open(expected_path, "rb") as file:
                    expected = file.read()
                self.assertEqual(answer.stderr.decode(), expected.decode())
                self.assertEqual(answer.stdout, b"")
                self.assertEqual(answer.returncode, 2)
                self.assertTrue(expected)
                self.assertNotIn(b"canary", answer.stderr, "a secret was shown")

    def test_the_mistakes_shown_in_the_readme_give_the_lines_shown_there(self):
        with open(os.path.join(ROOT, "README.md")) as file:
            readme = file.read()
        block = re.search(r"^```yaml\n(.*?)^```", readme, re.M | re.S).group(1)
        shown = re.findall(r"^    (sidewatch\.yaml:\d+:.*)$", readme, re.M)
        self.assertEqual(len(shown), 2)
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "sidewatch.yaml"), "w") as file:
                file.write(block.replace("warning:", "warnin:").replace("above: 600MiB", "above: 600 MiB"))
            answer = check("sidewatch.yaml", directory, {"ONCALL_URL": "https://hooks.example/x"})
            self.assertEqual(answer.stderr.decode().splitlines(), shown)

    def test_each_expectation_has_its_configuration(self):
        for path in glob.glob(os.path.join(CASES, "*.expected")):
            self.assertTrue(os.path.exists(path[:-len(".expected")] + ".yaml"), path)

    def test_a_file_that_is_not_there_is_said_in_one_line(self):
        answer = check("no-such-file.yaml", CASES)
        self.assertEqual(answer.stderr.decode(), "no-such-file.yaml: there is no such file\n")
        self.assertEqual(answer.returncode, 2)


class GoodConfigurations(unittest.TestCase):
    def assert_good(self, answer, *lines):
        self.assertEqual(answer.stderr.decode(), "")
        self.assertEqual(answer.returncode, 0)
        for line in lines:
            self.assertRegex(answer.stdout.decode(), line)

    def test_every_shipped_example_is_good_and_says_what_it_watches(self):
        examples = glob.glob(os.path.join(ROOT, "config", "examples", "*.yaml"))
        self.assertTrue(examples)
        for path in examples:
            with self.subTest(path):
                self.assert_good(check(path, ROOT), "^Watches\n", "\nJudges ", "\nTells\n", "\nServes http://")

    def test_the_receiver_that_a_variable_switches_on_is_listed_only_then(self):
        path = os.path.join(ROOT, "config", "examples", "quickstart.yaml")
        self.assertNotIn(b"webhook http", check(path, ROOT).stdout)
        with_url = check(path, ROOT, {"WEBHOOK_URL": "https://hooks.example/T0/canary"})
        self.assert_good(with_url, r"\n  webhook: webhook https://hooks\.example/\.\.\.\n")
        self.assertNotIn(b"canary", with_url.stdout)

    def test_every_configuration_in_the_documentation_is_good(self):
        blocks = []
        for path in [os.path.join(ROOT, "README.md"), *glob.glob(os.path.join(ROOT, "docs", "*.md"))]:
            with open(path) as file:
                blocks += [(path, block) for block in re.findall(r"^```yaml\n(.*?)^```", file.read(), re.M | re.S)]
        self.assertTrue(blocks)
        with tempfile.TemporaryDirectory() as directory:
            def in_place_of(match):  # every file that a reader would have
                name = os.path.basename(match.group(1))
                with open(os.path.join(directory, name), "w") as file:
                    file.write(SECRETS.get(name, "canary") + "\n")
                return "${file:%s}" % os.path.join(directory, name)
            for path, block in blocks:
                with self.subTest(path + ":\n" + block):
                    with open(os.path.join(directory, "block.yaml"), "w") as file:
                        file.write(re.sub(r"\$\{file:([^}]*)\}", in_place_of, block))
                    self.assert_good(check("block.yaml", directory, VARIABLES), "^Watches\n")

    def test_a_mark_at_the_beginning_and_windows_line_ends_are_fine(self):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "windows.yaml"), "wb") as file:
                file.write("\ufeffcollectors:\r\n  host: {}\r\nagent:\r\n  interval: 10s\r\n".encode())
            self.assert_good(check("windows.yaml", directory), r"\n  host: .*, every 10s\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
