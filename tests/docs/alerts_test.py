"""docs/alerts.md against the real agent: its message has the fields that are sent, its snippets know a genuine request.

The Node.js snippet is run where there is a `node`; nothing else here needs it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Agent, Receiver, temporary_directory  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
with open(os.path.join(ROOT, "docs", "alerts.md")) as document:
    TEXT = document.read()

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1ib3Q="
OLD_SECRET = "the secret before"

CONFIG = """
agent: {{interval: 200ms, labels: {{service: checkout}}}}
http: {{listen: "127.0.0.1:0"}}
collectors: {{process: [{{name: agent, match: {{pid: self}}}}]}}
rules:
  - alert: AlwaysTrue
    expr: namedprocess_namegroup_memory_bytes{{memtype="resident"}}
    warning: "> 0"
    labels: {{team: payments}}
    summary: all is well
    description: nothing to do
receivers:
  - name: oncall
    webhook: {{url: "{url}", signing_secret: "{secret}", previous_signing_secret: "{old}", external_url: "http://a/"}}
"""

NODE = """
import {{ readFileSync }} from 'node:fs'
{snippet}
const answers = JSON.parse(readFileSync(0, 'utf8')).map(({{ secret, headers, body }}) =>
  isGenuine(secret, headers, Buffer.from(body, 'base64')))
console.log(JSON.stringify(answers))
"""


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S).group(1)


def shape(value):
    """Names and kinds, without values; of labels and annotations only that they are there."""
    if isinstance(value, dict):
        return {name: {} if "abels" in name or "nnotations" in name else shape(member) for name, member in value.items()}
    if isinstance(value, list) and all(isinstance(member, (int, float, type(None))) for member in value):
        return "numbers"  # how many there are is a matter of the moment
    if isinstance(value, list):
        return [shape(member) for member in value]
    return "number" if isinstance(value, (int, float)) else type(value).__name__


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = temporary_directory()
        receiver = Receiver()
        agent = Agent(CONFIG.format(url=receiver.url, secret=SECRET, old=OLD_SECRET), directory.name)
        try:
            agent.start()
            cls.request = receiver.wait_for(1, "the message")[0]
        finally:
            agent.stop()
            receiver.stop()
            directory.cleanup()

    def variants(self):
        """(secret, headers, body, whether it is genuine)"""
        headers, body = self.request["headers"], self.request["raw"]
        changed = body.replace(b"warning", b"Warning", 1)
        self.assertNotEqual(changed, body)
        return [
            (SECRET, headers, body, True),
            (OLD_SECRET, headers, body, True),
            ("another secret", headers, body, False),
            (SECRET, headers, changed, False),
            (SECRET, {**headers, "webhook-id": "another"}, body, False),
            (SECRET, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, body, False),
            (SECRET, {**headers, "webhook-timestamp": "1600000000"}, body, False),
            (SECRET, {k: v for k, v in headers.items() if k != "webhook-signature"}, body, False),
        ]

    def test_the_message_shown_has_exactly_the_fields_that_are_sent(self):
        self.assertEqual(shape(json.loads(block("json"))), shape(self.request["body"]))

    def test_the_headers_shown_are_sent(self):
        for name in re.findall(r"^([A-Za-z-]+): ", block("http"), re.M):
            self.assertIn(name.lower(), self.request["headers"])
        self.assertEqual(self.request["headers"]["webhook-id"], self.request["headers"]["idempotency-key"])

    def test_the_python_snippet_tells_genuine_from_false(self):
        scope = {}
        exec(block("python"), scope)
        for secret, headers, body, genuine in self.variants():
            self.assertEqual(scope["is_genuine"](secret, headers, body), genuine, (secret, headers))

    @unittest.skipUnless(shutil.which("node"), "no node here")
    def test_the_node_snippet_tells_genuine_from_false(self):
        import base64
        cases = [{"secret": secret, "headers": headers, "body": base64.b64encode(body).decode()}
                 for secret, headers, body, _ in self.variants()]
        answer = subprocess.run(["node", "--input-type=module", "-e", NODE.format(snippet=block("js"))],
                                input=json.dumps(cases), capture_output=True, text=True, timeout=60)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout), [genuine for *_, genuine in self.variants()])


if __name__ == "__main__":
    unittest.main(verbosity=2)
