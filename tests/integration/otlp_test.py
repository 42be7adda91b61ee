#!/usr/bin/env python3
"""OpenTelemetry metrics exported to the real agent: both encodings, packed, deltas, wrong requests, a real SDK."""

import gzip
import http.client
import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import otlp  # noqa: E402
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402

LIBRARIES = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "support", "npm", "node_modules"))

# Counts the same twice and exports after each time, as the environment says where to and how.
SERVICE = """
const { MeterProvider, PeriodicExportingMetricReader, AggregationType } = require('@opentelemetry/sdk-metrics');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { OTLPMetricExporter } = require('@opentelemetry/exporter-metrics-otlp-' + process.argv[1]);
const provider = new MeterProvider({
  resource: resourceFromAttributes({'service.name': 'checkout', 'service.namespace': 'shop', 'host.name': 'h1'}),
  readers: [new PeriodicExportingMetricReader({exporter: new OTLPMetricExporter(), exportIntervalMillis: 3600000})],
  views: [{instrumentName: 'latency', aggregation: {type: AggregationType.EXPONENTIAL_HISTOGRAM}}],
});
const meter = provider.getMeter('test', '1.2.3');
const orders = meter.createCounter('orders', {description: 'Orders taken.'});
const active = meter.createUpDownCounter('active.requests', {unit: '{request}'});
const duration = meter.createHistogram('http.server.request.duration', {unit: 's', advice: {explicitBucketBoundaries: [0.1, 1]}});
const latency = meter.createHistogram('latency', {unit: 'ms'});
meter.createObservableGauge('queue.length').addCallback(result => result.observe(7, {'queue.name': 'mail'}));
(async () => {
  for (let round = 0; round < 2; ++round) {
    orders.add(3, {kind: 'web'});
    active.add(2);
    active.add(-1);
    for (const seconds of [0.05, 0.2, 3]) duration.record(seconds, {'http.route': '/cart'});
    for (const ms of [0, 1, 3, 100]) latency.record(ms);
    await provider.forceFlush();
  }
  await provider.shutdown();
})();
"""

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}


class Otlp(unittest.TestCase):
    def start(self, keys="{}", more=""):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.agent = Agent(f"""
agent: {{interval: 200ms, state_dir: {self.directory.name}/state}}
http: {{listen: 127.0.0.1:0, max_push_bytes: 1MiB}}
collectors: {{otlp: {keys}}}
{more}
""", self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def send(self, body, headers):
        """Status, content type and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=10)
        try:
            connection.request("POST", "/v1/metrics", body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers["Content-Type"], response.read()
        finally:
            connection.close()

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def wait_for(self, value, name, **labels):
        wait_until(lambda: self.page().matching(name, **labels) == [value], f"{name} {labels} to be {value}")

    def test_protocol_buffers_become_the_series_that_dashboards_know(self):
        self.start()
        now = time.time_ns()
        body = otlp.request([
            otlp.gauge("queue.length", "{message}", otlp.number_point(7, now, queue_name="mail")),
            otlp.counter("orders", "", otlp.CUMULATIVE, otlp.number_point(42, now)),
            otlp.histogram("http.server.request.duration", "s", otlp.CUMULATIVE, now, [1, 2, 3], [0.1, 0.5], 4.5,
                           http_route="/cart"),
            otlp.exponential("latency", otlp.CUMULATIVE, now, 0, 0, [1, 4], 9),
            otlp.summary("gc.pause", now, 9, 1.5, {0.5: 0.1, 0.9: 0.3}),
        ], service_name="checkout", service_instance_id="a1", host_name="h1")
        self.assertEqual(self.send(body, PROTOBUF), (200, "application/x-protobuf", b""))
        target = {"job": "checkout", "instance": "a1"}
        self.wait_for(7, "queue_length", queue_name="mail", **target)
        page = self.page()
        self.assertEqual(page.value("orders_total", **target), 42)
        for bound, count in (("0.1", 1), ("0.5", 3), ("+Inf", 6)):
            self.assertEqual(page.value("http_server_request_duration_seconds_bucket", le=bound, http_route="/cart", **target), count)
        self.assertEqual(page.value("latency_bucket", le="4", **target), 5)
        self.assertEqual(page.value("gc_pause", quantile="0.9", **target), 0.3)
        self.assertEqual(page.value("target_info", host_name="h1", **target), 1)
        text = self.agent.request("/metrics")[2].decode()
        self.assertIn("# TYPE orders_total counter\n", text)
        self.assertIn("# TYPE http_server_request_duration_seconds histogram\n", text)
        self.assertIn("# TYPE gc_pause summary\n", text)

    def test_deltas_packed_and_repeated_are_counted_once_and_rules_see_them(self):
        self.start(more="""
rules:
  - {alert: Orders, expr: "orders_total", critical: {above: 6}}
""")
        packed = {**PROTOBUF, "Content-Encoding": "gzip"}
        now = time.time_ns()
        for time_ns, value in ((now, 3), (now + 1, 4), (now + 1, 4)):
            body = otlp.request([otlp.counter("orders", "", otlp.DELTA, otlp.number_point(value, time_ns))])
            status, _, answer = self.send(gzip.compress(body), packed)
            self.assertEqual(status, 200)
        self.assertIn(b"a delta for the same time came already", answer)
        self.wait_for(7, "orders_total")
        self.wait_for(1, "sidewatch_push_refused_total", kind="otlp", reason="repeated")
        wait_until(lambda: self.agent.alerts("Orders"), "the alert about what was added up")

    def test_json_is_answered_in_json(self):
        self.start()
        point = {"asInt": "7", "timeUnixNano": str(time.time_ns())}
        body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "a", "gauge": {"dataPoints": [point]}}, {"name": "node.load1", "gauge": {"dataPoints": [point]}}]}]}]}
        status, kind, answer = self.send(json.dumps(body), JSON)
        self.assertEqual((status, kind), (200, "application/json"))
        partial = json.loads(answer)["partialSuccess"]
        self.assertEqual(partial["rejectedDataPoints"], "1")
        self.assertIn("'node.load1': the name belongs to what the agent itself measures", partial["errorMessage"])
        self.wait_for(7, "a")
        status, kind, answer = self.send(b'{"resourceMetrics": 1}', JSON)
        self.assertEqual((status, kind), (400, "application/json"))
        self.assertEqual(json.loads(answer), {"code": 3, "message": "not an OTLP metrics request: resourceMetrics is not a list"})

    def test_wrong_requests_are_told_apart_and_leave_the_agent_well(self):
        self.start()
        self.assertEqual(self.send(b"", {"Content-Type": "text/plain"})[0], 415)
        self.assertEqual(self.send(b"x", {**PROTOBUF, "Content-Encoding": "zstd"})[0], 415)
        self.assertEqual(self.send(b"\xff" * 100, PROTOBUF)[0], 400)
        self.assertEqual(self.send(b"\x00" * (2 << 20), PROTOBUF)[0], 413)
        self.assertEqual(self.send(gzip.compress(b"\x00" * (20 << 20)), {**PROTOBUF, "Content-Encoding": "gzip"})[0], 413)
        self.assertEqual(self.send(b"[" * 100_000, JSON)[0], 400)
        self.assertEqual(self.send(b'{"a":' + b"[0," * 300_000, JSON)[0], 400)
        self.assertEqual(self.send(otlp.request([otlp.gauge("fine", "", otlp.number_point(1, 1))]), PROTOBUF)[0], 200)
        self.wait_for(1, "fine")

    def test_what_is_refused_unread_is_told_as_a_status_in_the_encoding_of_the_request(self):
        self.start()
        large, bomb = b"\x00" * (2 << 20), gzip.compress(b"\x00" * (20 << 20))
        for body, more, status, code, words in [
                (large, {}, 413, 8, "the body is larger than http.max_push_bytes"),
                (bomb, {"Content-Encoding": "gzip"}, 413, 8, "the body unpacks to more than 1048576 bytes"),
                (b"x", {"Content-Encoding": "gzip"}, 400, 3, "the body is not what its Content-Encoding says"),
                (b"x", {"Content-Encoding": "zstd"}, 415, 3, "send the body with Content-Encoding: gzip")]:
            with self.subTest(words):
                self.assertEqual(self.send(body, {**JSON, **more})[:2], (status, "application/json"))
                answer = json.loads(self.send(body, {**JSON, **more})[2])
                self.assertEqual(answer["code"], code)
                self.assertTrue(answer["message"].startswith(words), answer)
                kind, answer = self.send(body, {**PROTOBUF, **more})[1:]
                self.assertEqual(kind, "application/x-protobuf")
                self.assertTrue(answer.startswith(otlp.number(1, code) + b"\x12"), answer)
                self.assertIn(words.encode(), answer)
        self.wait_for(6, "sidewatch_push_refused_total", kind="otlp", reason="too_large")

    def test_a_flood_of_attributes_leaves_what_there_is_right(self):
        self.start("{max_series: 500}")
        self.send(otlp.request([otlp.gauge("steady", "", otlp.number_point(5, 1))]), PROTOBUF)
        for start in range(0, 20_000, 1000):
            points = b"".join(otlp.number_point(n, 1, id=str(n)) for n in range(start, start + 1000))
            self.assertEqual(self.send(otlp.request([otlp.gauge("flood", "", points)]), PROTOBUF)[0], 200)
        self.send(otlp.request([otlp.gauge("steady", "", otlp.number_point(6, 2))]), PROTOBUF)
        self.wait_for(6, "steady")
        page = self.page()
        self.assertEqual(len(page.matching("flood")), 499)
        self.assertEqual(page.value("sidewatch_push_refused_total", kind="otlp", reason="no_room"), 19_501)

    def test_what_was_added_up_survives_a_reload_that_changes_something_else(self):
        self.start()
        body = otlp.request([otlp.counter("orders", "", otlp.DELTA, otlp.number_point(3, time.time_ns()))])
        self.assertEqual(self.send(body, PROTOBUF)[0], 200)
        self.wait_for(3, "orders_total")
        with open(self.agent.config_path, "a", encoding="utf-8") as file:
            file.write("rules: [{alert: Never, expr: orders_total, critical: {above: 1000}}]\n")
        self.agent.process.send_signal(1)
        wait_until(lambda: b"Never" in self.agent.request("/api/v1/rules")[2], "the reload")
        body = otlp.request([otlp.counter("orders", "", otlp.DELTA, otlp.number_point(4, time.time_ns()))])
        self.assertEqual(self.send(body, PROTOBUF)[0], 200)
        self.wait_for(7, "orders_total")

    def test_a_real_sdk_exports_the_same_in_both_encodings_as_deltas_and_as_totals(self):
        self.assertTrue(os.path.isdir(os.path.join(LIBRARIES, "@opentelemetry")), "scripts/setup --tests installs it")
        for exporter in ("http", "proto"):
            for temporality in ("delta", "cumulative"):
                with self.subTest(exporter=exporter, temporality=temporality):
                    self.start()
                    subprocess.run(["node", "-e", SERVICE, exporter], check=True, timeout=60, env={
                        **os.environ, "NODE_PATH": LIBRARIES, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality,
                        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{self.agent.port}/v1/metrics",
                        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip"})
                    job = {"job": "shop/checkout"}
                    self.wait_for(6, "orders_total", kind="web", **job)
                    page = self.page()
                    self.assertEqual(page.value("active_requests", **job), 2)
                    self.assertEqual(page.value("queue_length", queue_name="mail", **job), 7)
                    self.assertEqual(page.value("target_info", host_name="h1", **job), 1)
                    for bound, count in (("0.1", 2), ("1", 4), ("+Inf", 6)):
                        self.assertEqual(page.value("http_server_request_duration_seconds_bucket", le=bound, http_route="/cart", **job), count)
                    for bound, count in (("0", 2), ("1", 4), ("4", 6), ("128", 8)):
                        self.assertEqual(page.value("latency_milliseconds_bucket", le=bound, **job), count)
                    self.assertEqual(page.value("latency_milliseconds_sum", **job), 208)
                    self.assertEqual(page.matching("sidewatch_push_refused_total", kind="otlp"), [])


if __name__ == "__main__":
    unittest.main()
