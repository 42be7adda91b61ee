#!/usr/bin/env python3
"""One of everything that the agent takes in, on one page: promtool, the OpenMetrics reader of the client library for
Python and a real Prometheus must be able to read it, and find the same in it.

Runs on Debian's own Python, where scripts/setup puts python3-prometheus-client.
"""

import http.client
import http.server
import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

from prometheus_client import parser as text_format
from prometheus_client.openmetrics import parser as openmetrics

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import otlp  # noqa: E402
import prometheus  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from servers import free_port  # noqa: E402

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

# Label values that a page must write with care.
ODD = 'a "quote", a \\ and\na line'

TARGET = """# HELP app_orders Orders taken.
# TYPE app_orders counter
app_orders_total{kind="web"} 42 # {trace_id="4bf92f3577b34da6"} 1
# TYPE app_seconds histogram
# UNIT app_seconds seconds
app_seconds_bucket{le="0.1"} 5
app_seconds_bucket{le="+Inf"} 9
app_seconds_sum 4.25
app_seconds_count 9
# TYPE app_build info
app_build_info{version="1.2"} 1
# EOF
"""

CONFIG = """
agent: {{interval: 200ms, state_dir: "{directory}/state", labels: {{service: shop}}}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  statsd: {{listen: ["udp://127.0.0.1:{statsd}"], mapping_files: ["{directory}/mapping.yaml"]}}
  push: {{}}
  otlp: {{}}
  pushgateway: {{}}
  remote_write: {{}}
  heartbeat: [{{name: backup, every: 1h}}]
  scrape: [{{job: app, interval: 1s, url: "http://127.0.0.1:{web}/metrics"}}]
  json: [{{name: api, interval: 1s, url: "http://127.0.0.1:{web}/json", metrics: [{{name: api_depth, path: /depth}}]}}]
  probe: [{{name: front, interval: 1s, timeout: 900ms, http: {{url: "http://127.0.0.1:{web}/metrics"}}}}]
  exec: [{{name: plugin, interval: 1s, timeout: 900ms, command: [/bin/echo, "OK - fine | load=0.5;1;2"]}}]
  log: [{{name: app, path: "{directory}/app.log", metrics: [
    {{name: log_errors_total, match: 'ERROR (\\w+)', labels: {{part: $1}}}},
    {{name: log_took_seconds, type: histogram, match: 'took=(\\S+)', value: $1, buckets: [0.1, 1]}}]}}]
"""

MAPPING = """
mappings:
  - {match: "(.+)\\\\.mapped", match_type: regex, name: mapped_seconds, labels: {job_name: "$1"},
     observer_type: histogram, histogram_options: {buckets: [0.01, 0.1, 1]}}
"""

# One of each: what must be on every page. Labels beside those that the source is asked to give.
EXPECTED = {
    ("sent_orders_total", ("kind", "web")): 3,
    ("sent_depth", ()): 12,
    ("sent_users", ()): 2,
    ("sent_took_count", ("route", "/cart")): 2,
    ("mapped_seconds_count", ("job_name", "nightly")): 1,
    ("mapped_seconds_bucket", ("le", "0.1")): 1,
    ("pushed_depth", ("queue", ODD)): 7,
    ("pushed_orders_total", ("kind", ODD)): 3,
    ("pushed_seconds_count", ()): 2,
    ("queue_length", ("queue_name", "mail")): 7,
    ("otlp_orders_total", ()): 42,
    ("http_server_request_duration_seconds_bucket", ("le", "0.1")): 1,
    ("latency_count", ()): 5,
    ("gc_pause", ("quantile", "0.9")): 0.3,
    ("batch_bytes", ("disk", "a")): 3,
    ("batch_seconds", ("quantile", "0.5")): 2,
    ("written_temperature", ("room", ODD)): -2.5,
    ("app_orders_total", ("kind", "web")): 42,
    ("app_seconds_bucket", ("le", "+Inf")): 9,
    ("app_build_info", ("version", "1.2")): 1,
    ("api_depth", ()): 4,
    ("probe_success", ("probe", "front")): 1,
    ("exec_perfdata_value", ("label", "load")): 0.5,
    ("log_errors_total", ("part", "cart")): 1,
    ("log_took_seconds_bucket", ("le", "1")): 1,
    ("heartbeat_pings_total", ("result", "success")): 1,
}


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body, kind = ((b'{"depth": 4}', "application/json") if self.path == "/json" else
                      (TARGET.encode(), "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def found(samples):
    """What of EXPECTED is not among (name, labels, value), or has another value."""
    values = {}
    for name, labels, value in samples:
        for each in [()] + list(labels.items()):
            values.setdefault((name, tuple(each)), set()).add(value)
    return {key: values.get(key) for key, value in EXPECTED.items() if value not in values.get(key, ())}


def samples_of(families):
    return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


class Inputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = temporary_directory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
        threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
        cls.addClassCleanup(web.server_close)
        cls.addClassCleanup(web.shutdown)
        with open(os.path.join(cls.directory, "mapping.yaml"), "w", encoding="utf-8") as file:
            file.write(MAPPING)
        cls.statsd = free_port()
        config = CONFIG.format(directory=cls.directory, statsd=cls.statsd, web=web.server_address[1])
        cls.agent = Agent(config, cls.directory)
        cls.addClassCleanup(cls.agent.stop)
        cls.agent.start()
        wait_until(lambda: 'sidewatch_log_files{log="app",service="shop"}' in cls.agent.metrics(), "the first passes")
        cls.send_everything()
        try:
            wait_until(lambda: not cls.missing(), "everything to be on the page")
        except AssertionError as late:
            raise AssertionError(f"{late}; missing or otherwise: {cls.missing()}; log:\n{cls.agent.log()}") from late

    @classmethod
    def missing(cls):
        page = cls.agent.request("/metrics")[2].decode()
        return found(samples_of(text_format.text_string_to_metric_families(page)))

    @classmethod
    def send_everything(cls):
        now = time.time_ns()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for line in ("sent.orders.total:3|c|#kind:web", "sent.plain:1|c", "sent.depth:12|g", "sent.users:a|s",
                         "sent.users:b|s", "sent.took:320|ms|#route:/cart", "sent.took:100|ms|#route:/cart",
                         "nightly.mapped:50|ms", "_sc|db|0", "_e{5,4}:title|text"):
                client.sendto(line.encode(), ("127.0.0.1", cls.statsd))
        cls.post("/api/v1/push", json.dumps({"metrics": [
            {"name": "pushed_depth", "type": "gauge", "value": 7, "labels": {"queue": ODD}, "help": ODD},
            {"name": "pushed_orders_total", "type": "counter", "add": 3, "labels": {"kind": ODD}},
            {"name": "pushed_seconds", "type": "histogram", "observe": [0.5, 7]},
        ]}).encode(), **{"Content-Type": "application/json"})
        cls.post("/v1/metrics", otlp.request([
            otlp.gauge("queue.length", "{message}", otlp.number_point(7, now, queue_name="mail")),
            otlp.counter("otlp.orders", "", otlp.CUMULATIVE, otlp.number_point(42, now)),
            otlp.histogram("http.server.request.duration", "s", otlp.CUMULATIVE, now, [1, 2, 3], [0.1, 0.5], 4.5,
                           http_route="/cart"),
            otlp.exponential("latency", otlp.CUMULATIVE, now, 0, 0, [1, 4], 9),
            otlp.summary("gc.pause", now, 9, 1.5, {0.5: 0.1, 0.9: 0.3}),
        ], service_name="checkout", service_instance_id="a1"), **{"Content-Type": "application/x-protobuf"})
        cls.post("/metrics/job/backup/zone/a", b"""# HELP batch_bytes Written, in "bytes" \\\\ and no more.
# TYPE batch_bytes gauge
batch_bytes{disk="a"} 3
# TYPE batch_seconds summary
batch_seconds{quantile="0.5"} 2
batch_seconds_sum 4
batch_seconds_count 2
""")
        cls.post("/api/v1/write", prometheus.snappy(prometheus.field(1, prometheus.time_series(
            {"name": "written_temperature", "labels": {"room": ODD}, "samples": [(now // 1_000_000, -2.5)]}))),
                 **{"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                    "X-Prometheus-Remote-Write-Version": "0.1.0"})
        cls.post("/ping/backup", b"")
        with open(os.path.join(cls.directory, "app.log"), "a", encoding="utf-8") as file:
            file.write("ERROR cart took=0.5\n")

    @classmethod
    def post(cls, path, body, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", cls.agent.port, timeout=10)
        try:
            connection.request("POST", path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read().decode(errors="replace")
            if response.status // 100 != 2:
                raise AssertionError(f"{path}: {response.status} {answer}")
        finally:
            connection.close()

    def test_promtool_takes_the_page(self):
        page = self.agent.request("/metrics")[2]
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=30,
                                 check=False)
        # Exit code 3 means remarks on naming style, which the names of those who send are free to draw.
        self.assertIn(checked.returncode, (0, 3), checked.stderr.decode())
        self.assertNotIn(b"error while linting", checked.stderr)

    def test_a_reader_of_openmetrics_takes_the_page_and_finds_everything(self):
        _, headers, page = self.agent.request("/metrics", headers=OPENMETRICS)
        self.assertEqual(headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8")
        families = list(openmetrics.text_string_to_metric_families(page.decode()))
        self.assertEqual(found(samples_of(families)), {})
        types = {family.name: family.type for family in families}
        expected = {"app_orders": "counter", "app_seconds": "histogram", "mapped_seconds": "histogram",
                    "sent_took": "summary", "gc_pause": "summary", "batch_seconds": "summary",
                    "log_took_seconds": "histogram", "latency": "histogram", "queue_length": "gauge",
                    "sent_plain": "unknown"}  # OpenMetrics knows no counter without _total
        self.assertEqual({name: types.get(name) for name in expected}, expected)
        exemplars = [sample.exemplar for family in families for sample in family.samples if sample.exemplar]
        self.assertIn({"trace_id": "4bf92f3577b34da6"}, [exemplar.labels for exemplar in exemplars])

    def test_both_pages_hold_the_same_series(self):
        def series(families):
            # The reader of the text format calls every counter _total.
            listed = [(name.replace("sent_plain_total", "sent_plain"), tuple(sorted(labels.items())))
                      for name, labels, _ in samples_of(families)]
            self.assertEqual(len(listed), len(set(listed)), "a series stands twice on the page")
            return set(listed)

        def difference():
            _, _, text = self.agent.request("/metrics")
            _, _, other = self.agent.request("/metrics", headers=OPENMETRICS)
            return (series(text_format.text_string_to_metric_families(text.decode())) ^
                    series(openmetrics.text_string_to_metric_families(other.decode())))

        wait_until(lambda: difference() == set(), "the pages of one moment to hold the same series")

    @unittest.skipUnless(prometheus.version(), "there is no prometheus here")
    def test_a_real_prometheus_scrapes_it_whole(self):
        folder = os.path.join(self.directory, "prometheus")
        os.mkdir(folder)
        server = prometheus.Prometheus(folder, f"""
scrape_configs:
  - job_name: sidewatch
    scrape_interval: 1s
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{self.agent.port}"]}}]
""")
        self.addCleanup(server.stop)

        def ask(query):
            status, body = server.request("GET", "/api/v1/query?query=" + urllib.parse.quote(query))
            self.assertEqual(status, 200, body)
            return [(each["metric"].get("__name__", ""), {n: v for n, v in each["metric"].items() if n != "__name__"},
                     float(each["value"][1])) for each in json.loads(body)["data"]["result"]]

        wait_until(lambda: [value for _, _, value in ask('up{job="sidewatch"}')] == [1], "a scrape that was good")
        self.assertEqual(found(ask('{service="shop"}')), {})
        took = [value for _, _, value in ask("histogram_quantile(0.5, mapped_seconds_bucket)")]
        self.assertEqual(len(took), 1)
        self.assertTrue(math.isclose(took[0], 0.055), took)


if __name__ == "__main__":
    unittest.main()
