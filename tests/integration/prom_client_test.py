#!/usr/bin/env python3
"""A Node.js service with prom-client, the usual Prometheus library there, as it is: its page is scraped, in both formats
that it has, and a batch job with the same library pushes to the agent as to a Pushgateway."""

import json
import os
import subprocess
import sys
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import DEADLINE, Agent, temporary_directory, wait_until  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LIBRARIES = os.path.join(ROOT, "tests", "support", "npm", "node_modules")

# The default metrics change from one look to the next; those that are counted here stand still.
SERVICE = """
const http = require('http');
const client = require('prom-client');
const registers = {'/metrics': new client.Registry(), '/openmetrics': new client.Registry()};
registers['/openmetrics'].setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
for (const [path, register] of Object.entries(registers)) {
  const registers = [register];
  client.collectDefaultMetrics({register});
  const orders = new client.Counter({name: 'orders_total', help: 'Orders taken.', labelNames: ['kind'], registers});
  orders.inc({kind: 'web'}, 3);
  orders.inc({kind: 'a "quoted"\\\\path\\nand line'}, 2);
  new client.Gauge({name: 'queue_depth', help: 'Waiting.', registers}).set(-1.5);
  const seconds = new client.Histogram({name: 'request_seconds', help: 'How long.', buckets: [0.1, 1], registers,
                                        enableExemplars: path === '/openmetrics'});
  for (const value of [0.05, 0.5, 5]) {
    if (path === '/openmetrics') seconds.observe({value, exemplarLabels: {trace_id: 'id' + value}});
    else seconds.observe(value);
  }
  const sizes = new client.Summary({name: 'answer_bytes', help: 'How much.', percentiles: [0.5, 0.9], registers});
  for (let i = 1; i <= 10; ++i) sizes.observe(i);
}
http.createServer(async (request, response) => {
  const register = registers[request.url];
  response.setHeader('Content-Type', register.contentType);
  response.end(await register.metrics());
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
"""

JOB = """
const client = require('prom-client');
const register = new client.Registry();
new client.Gauge({name: 'backup_bytes', help: 'How much.', registers: [register]}).set(1234);
const gateway = new client.Pushgateway(process.argv[2], {timeout: 20000}, register);
(async () => {
  await gateway.pushAdd({jobName: 'backup', groupings: {disk: 'sd/a'}});
  await gateway.push({jobName: 'other'});
  await gateway.delete({jobName: 'other'});
})().catch((error) => { console.error(error); process.exit(1); });
"""


class PromClient(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)

    def file(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, collectors):
        self.agent = Agent("agent: {interval: 1s}\nhttp: {listen: 127.0.0.1:0}\ncollectors:\n" + collectors, self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def ask(self, path, **parameters):
        answer = self.agent.request(path + "?" + urllib.parse.urlencode(parameters))
        return json.loads(answer[2])["data"]

    def up(self):
        return {item["metric"]["job"]: item["value"][1] for item in self.ask("/api/v1/query", query="up")["result"]}

    def serve(self):
        service = subprocess.Popen(["node", self.file("service.js", SERVICE)], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "NODE_PATH": LIBRARIES})
        self.addCleanup(service.stdout.close)
        self.addCleanup(service.wait, DEADLINE)
        self.addCleanup(service.kill)
        return f"127.0.0.1:{service.stdout.readline().strip()}"

    def test_everything_on_its_pages_is_scraped(self):
        host = self.serve()
        self.start("  scrape:\n"
                   f"    - {{job: text, url: \"http://{host}/metrics\"}}\n"
                   f"    - {{job: openmetrics, url: \"http://{host}/openmetrics\"}}\n")
        wait_until(lambda: self.up() == {"text": "1", "openmetrics": "1"}, "both scrapes")
        ours = self.page()
        for job, path in (("text", "/metrics"), ("openmetrics", "/openmetrics")):
            with self.subTest(job=job):
                with urllib.request.urlopen(f"http://{host}{path}", timeout=DEADLINE) as answer:
                    lines = answer.read().decode().splitlines()
                theirs = Page("\n".join(line.partition(" # {")[0] for line in lines) + "\n")
                found = {(name, frozenset(label for label in labels if label[0] not in ("job", "instance")))
                         for name, labels in ours.values if dict(labels).get("job") == job}
                missing = {(name, frozenset(labels)) for name, labels in theirs.values} - found
                # What only now and then is on its page.
                self.assertEqual({name for name, _ in missing if not name.startswith(("nodejs_", "process_"))}, set())
                self.assertGreater(len(found), 50)
                for name, labels, value in (
                        ("orders_total", {"kind": "web"}, 3),
                        ("orders_total", {"kind": r"a \"quoted\"\\path\nand line"}, 2),  # as it is written
                        ("queue_depth", {}, -1.5),
                        ("request_seconds_bucket", {"le": "1"}, 2),
                        ("request_seconds_bucket", {"le": "+Inf"}, 3),
                        ("request_seconds_count", {}, 3),
                        ("answer_bytes", {"quantile": "0.5"}, 5.5),
                        ("answer_bytes_sum", {}, 55)):
                    self.assertEqual(ours.value(name, job=job, instance=host, **labels), value, name)

        exemplars = self.ask("/api/v1/query_exemplars", query="request_seconds_bucket", start="0", end="9999999999")
        self.assertEqual({series["exemplars"][0]["labels"]["trace_id"] for series in exemplars}, {"id0.05", "id0.5", "id5"})

    def test_a_job_pushes_and_takes_back(self):
        self.start("  pushgateway: {}\n")
        subprocess.run(["node", self.file("job.js", JOB), f"http://127.0.0.1:{self.agent.port}"], check=True, timeout=2 * DEADLINE,
                       env={**os.environ, "NODE_PATH": LIBRARIES})
        wait_until(lambda: self.page().matching("backup_bytes"), "what was pushed")
        self.assertEqual(self.page().value("backup_bytes", job="backup", disk="sd/a"), 1234)
        self.assertEqual(self.page().matching("backup_bytes", job="other"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
