#!/usr/bin/env python3
"""Remote write to the real agent: from a real Prometheus, whose series it must agree with, and from hostile senders."""

import http.client
import http.server
import json
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import prometheus  # noqa: E402
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}

PAGE = """# HELP shop_orders_total Orders taken.
# TYPE shop_orders_total counter
shop_orders_total{kind="web"} 42
shop_orders_total{kind="phone \\"old\\""} 3
# TYPE shop_seconds histogram
shop_seconds_bucket{le="0.1"} 5
shop_seconds_bucket{le="+Inf"} 9
shop_seconds_sum 4.25
shop_seconds_count 9
# TYPE shop_depth gauge
shop_depth -2.5
"""


def now_ms():
    return time.time_ns() // 1_000_000


def one(name, value, ms, **labels):
    return prometheus.field(1, prometheus.time_series({"name": name, "labels": labels, "samples": [(ms, value)]}))


class RemoteWrite(unittest.TestCase):
    def start(self, keys="{}"):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.agent = Agent(f"""
agent: {{interval: 200ms, state_dir: {self.directory.name}/state}}
http: {{listen: 127.0.0.1:0}}
collectors: {{remote_write: {keys}}}
""", self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def send(self, body, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=10)
        try:
            connection.request("POST", "/api/v1/write", body=body, headers=headers or HEADERS)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def write(self, *series):
        return self.send(prometheus.snappy(b"".join(series)))

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def wait_for(self, value, name, **labels):
        wait_until(lambda: self.page().matching(name, **labels) == [value], f"{name} {labels} to be {value}")

    def query(self, ask):
        return {tuple(sorted(each["metric"].items())): float(each["value"][1])
                for each in json.loads(ask('/api/v1/query?query={__name__=~"shop_.*"}'))["data"]["result"]}

    @unittest.skipUnless(prometheus.version(), "there is no prometheus here")
    def test_a_real_prometheus_and_the_agent_agree_on_what_it_scraped(self):
        self.start()
        scraped = threading.Event()

        class Target(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                scraped.set()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(PAGE.encode())

            def log_message(self, *arguments):
                pass

        target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
        threading.Thread(target=target.serve_forever, daemon=True).start()
        self.addCleanup(target.server_close)
        self.addCleanup(target.shutdown)
        with temporary_directory() as directory:
            server = prometheus.Prometheus(directory, f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [{{targets: ["127.0.0.1:{target.server_address[1]}"]}}]
remote_write:
  - url: http://127.0.0.1:{self.agent.port}/api/v1/write
    queue_config: {{batch_send_deadline: 500ms}}
    metadata_config: {{send_interval: 1s}}
""")
            try:
                wait_until(scraped.is_set, "the first scrape")
                wait_until(lambda: self.page().matching("shop_depth"), "the first series")
                theirs = self.query(lambda path: server.request("GET", path)[1])
                self.assertEqual(len(theirs), 7)
                wait_until(lambda: self.query(lambda path: self.agent.request(path)[2]) == theirs, "the same series in the agent")
                self.assertEqual(self.page().matching("sidewatch_push_requests_total", kind="remote_write", code="400"), [])
            finally:
                server.stop()
        self.assertIn("# TYPE shop_orders_total counter\n", self.agent.request("/metrics")[2].decode())

    def test_the_newest_sample_stands_until_its_series_ends(self):
        self.start()
        ms = now_ms()
        self.assertEqual(self.write(one("a", 1, ms, kind="x"), one("b", 5, ms)), (204, ""))
        self.wait_for(1, "a", kind="x")
        self.assertEqual(self.write(one("a", 9, ms - 1000, kind="x"))[0], 204)
        self.wait_for(1, "sidewatch_push_refused_total", kind="remote_write", reason="out_of_order")
        self.assertEqual(self.write(one("a", 9, ms - 3_600_000, kind="y"))[0], 204)
        self.wait_for(1, "sidewatch_push_refused_total", kind="remote_write", reason="too_old")
        self.wait_for(1, "a", kind="x")
        self.assertEqual(self.write(one("a", "stale", ms + 1, kind="x"))[0], 204)
        wait_until(lambda: not self.page().matching("a"), "the series to end")
        self.wait_for(5, "b")

    def test_what_breaks_the_rules_is_refused_whole_and_with_a_sentence(self):
        self.start()
        label = prometheus.field
        unsorted = label(1, label(1, label(1, b"__name__") + label(2, b"c")) +
                         label(1, label(1, b"Z") + label(2, b"1")) + label(1, label(1, b"A") + label(2, b"1")))
        status, text = self.write(one("fine", 1, now_ms()), unsorted)
        self.assertEqual((status, text), (400, "not a write request: labels must be sorted by their names, and 'Z' comes behind '__name__'\n"))
        self.assertEqual(self.send(b"\xff\xff\xff\xff\x0fa")[0], 413)
        self.assertEqual(self.send(b"nonsense")[0], 400)
        second = {**HEADERS, "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                  "X-Prometheus-Remote-Write-Version": "2.0.0"}
        self.assertEqual(self.send(prometheus.snappy(b""), second)[0], 415)
        self.assertEqual(self.send(b"", {"Content-Type": "application/x-protobuf"})[0], 415)
        self.assertEqual(self.write(one("sidewatch_series", 1, now_ms()), one("node_load1", 99, now_ms()))[0], 204)
        self.wait_for(2, "sidewatch_push_refused_total", kind="remote_write", reason="reserved_name")
        self.assertEqual(self.page().matching("fine") + self.page().matching("node_load1"), [])

    def test_a_flood_of_series_leaves_what_there_is_right(self):
        self.start("{max_series: 500}")
        self.write(one("steady", 5, now_ms()))
        for start in range(0, 20_000, 2000):
            status, _ = self.write(*(one("flood", n, now_ms(), id=str(n)) for n in range(start, start + 2000)))
            self.assertEqual(status, 204)
        self.write(one("steady", 6, now_ms()))
        self.wait_for(6, "steady")
        self.assertEqual(len(self.page().matching("flood")), 499)


if __name__ == "__main__":
    unittest.main()
