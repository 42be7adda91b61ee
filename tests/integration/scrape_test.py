#!/usr/bin/env python3
"""What a scrape brings is held against Debian's Prometheus: both ask for the same pages, with the same relabelling."""

import gzip
import http.server
import itertools
import json
import os
import socket
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import BINARY, DEADLINE, Agent, temporary_directory, wait_until  # noqa: E402
from prometheus import Prometheus  # noqa: E402

SANITIZED = "asan" in BINARY or "tsan" in BINARY  # where memory says nothing, and everything is slower

TEXT = r"""
# HELP http_requests_total All of them,
# TYPE http_requests_total counter
http_requests_total{code="200",path="/cart"} 1027 1395066363000
http_requests_total{code="500",path="C:\\DIR\\ \"quoted\"\nline"} 3
# a remark
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423.5
http_request_duration_seconds_count 144320
rpc_seconds{quantile="0.5"} 4.773e+03
rpc_seconds_sum 1.7560473e+07
rpc_seconds_count 2693
spaced{ a = "b" , c="d", } -1.5e-3
without_type NaN
infinite{sign="+"} +Inf
infinite{sign="-"} -Inf
labelled{job="mine",instance="i",exported_job="older"} 1
empty{a=""} 1
cleared{instance="",job="",x="1"} 1
twice{x="1"} 1
meta{meta_zone="eu",meta_rack="7",pod="p1",mixed="FoO"} 5
go_threads 7
same{left="a",right="a"} 1
same{left="a",right="b"} 2
last_without_end 1"""

OPENMETRICS = """# TYPE orders counter
# UNIT orders_seconds seconds
# HELP orders Placed.
orders_total{kind="web"} 17.0 # {trace_id="abc"} 0.5 1700000000.123
orders_created{kind="web"} 1.7e9
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="0.1"} 2 # {trace_id="KOO5S4vxi0o"} 0.067
wait_seconds_bucket{le="+Inf"} 4 # {trace_id="oHg5SJYRHA0",span="x"} 9.8 1520879607.789
wait_seconds_count 4
wait_seconds_sum 10.5
# TYPE state stateset
state{state="a"} 1
state{state="b"} 0
# TYPE build info
build_info{version="1.2"} 1
# TYPE sizes gaugehistogram
sizes_bucket{le="+Inf"} 42
sizes_gcount 42
sizes_gsum 3289.5
# EOF
"""

RELABELLING = """[
  {source_labels: [__name__], regex: "go_.*", action: drop},
  {source_labels: [__name__, path], regex: "http_(.*)_total;/(.*)", target_label: where, replacement: "${2}-$1"},
  {regex: "meta_(.+)", action: labelmap},
  {regex: "meta_.*|pod", action: labeldrop},
  {source_labels: [mixed], target_label: small, action: lowercase},
  {source_labels: [mixed], target_label: large, action: uppercase},
  {source_labels: [mixed, zone], separator: "/", target_label: shard, modulus: 1000, action: hashmod},
  {source_labels: [left], target_label: right, action: dropequal},
  {source_labels: [__name__], regex: "rpc_(.*)", target_label: __name__, replacement: "call_$1"}]"""


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    accepts = set()
    timeouts = set()

    def do_GET(self):
        path = urllib.parse.urlparse(self.path)
        Pages.accepts.add(self.headers["Accept"])
        Pages.timeouts.add(self.headers["X-Prometheus-Scrape-Timeout-Seconds"])
        kinds = {"/text": (TEXT, "text/plain; version=0.0.4"),
                 "/openmetrics": (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
                 "/broken": (TEXT + "\nbroken{", "text/plain"), "/many": ("a 1\nb 2\nc 3\n", "text/plain"),
                 "/exemplars": (OPENMETRICS.replace('orders_created{kind="web"} 1.7e9\n', ""), "application/openmetrics-text"),
                 "/params": (f"asked{{query=\"{path.query}\"}} 1\n", "text/plain")}
        body, content_type = kinds.get(path.path, ("", "text/plain"))
        body = gzip.compress(body.encode())
        self.send_response(200 if path.path in kinds else 404)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Huge(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"".join(b"h{i=\"%d\"} 1\n" % i for i in range(700_000))
        if self.path == "/bytes":
            body += body
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it has had enough

    def log_message(self, *_):
        pass


class ClosingPages(Pages):
    """Ends the connection behind each answer, so that nothing is left when the server stops."""
    protocol_version = "HTTP/1.0"


class UnixServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)

    def get_request(self):
        return self.socket.accept()[0], ("socket", 0)


# All label sets are new on each page, beside a few series that stay.
FLOOD = 20_000
LABEL_SETS = 60_000 if SANITIZED else 200_000


class Floods(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages = itertools.count()
    going_on = True

    def do_GET(self):
        number = next(Floods.pages)
        body = f"# TYPE steady_total counter\nsteady_total{{kind=\"web\"}} {number + 1}\nlevel 7\n"
        if Floods.going_on:
            body += "".join(f"flood{{user=\"{number * FLOOD + n}\"}} 1\n" for n in range(FLOOD))
        body = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it was too late

    def log_message(self, *_):
        pass


def serve(server, case):
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    case.addCleanup(server.server_close)
    case.addCleanup(server.shutdown)


# What Prometheus 2.42 says of a scrape as well; how long it took is never the same.
SAID = {"up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling"}
NOT_COMPARED = {"scrape_duration_seconds", "scrape_series_added"}


def series(answer):
    """labels -> value, of what stands on pages and of what is said of scrapes."""
    found = {}
    for item in answer["data"]["result"]:
        labels = item["metric"]
        if labels["__name__"] in NOT_COMPARED or labels["__name__"].startswith("sidewatch_"):
            continue
        found[tuple(sorted(labels.items()))] = item["value"][1]
    return found


class Scrape(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        serve(server, self)
        self.host = f"127.0.0.1:{server.server_address[1]}"

    def start(self, scrapes, listen="127.0.0.1:0"):
        self.agent = Agent(f"agent: {{interval: 1s}}\nhttp: {{listen: {listen}}}\ncollectors:\n  scrape:\n" + scrapes,
                           self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def ask(self, query):
        return json.loads(self.agent.request("/api/v1/query?query=" + urllib.parse.quote(query))[2])

    def values(self, query):
        return {item["metric"].get("job"): float(item["value"][1]) for item in self.ask(query)["data"]["result"]}

    def test_brings_what_prometheus_brings(self):
        jobs = [("text", "/text", ""), ("openmetrics", "/openmetrics", ""), ("honored", "/text", "honor_labels: true"),
                ("relabelled", "/text", "metric_relabel_configs: " + RELABELLING.replace("\n", " ")),
                ("broken", "/broken", ""), ("gone", "/nothing", ""), ("limited", "/many", "sample_limit: 2"),
                ("within", "/many", "sample_limit: 3"), ("labels", "/text", "label_limit: 4"),
                ("long", "/text", "label_value_length_limit: 8")]
        theirs = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
        ours = ""
        for job, path, more in jobs:
            more = ", " + more if more else ""
            ours += f"    - {{job: {job}, url: \"http://{self.host}{path}\"{more}}}\n"
            theirs += (f"- {{job_name: {job}, metrics_path: {path}, honor_timestamps: false, "
                       f"static_configs: [{{targets: ['{self.host}']}}]{more}}}\n")
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        prometheus = Prometheus(directory.name, theirs)
        self.addCleanup(prometheus.stop)
        self.start(ours)
        query = "{job!=\"\"}"

        def of_prometheus():
            return series(prometheus.post("/api/v1/query", query=query))

        wait_until(lambda: sum(("__name__", "up") in labels for labels in of_prometheus()) == len(jobs),
                   "Prometheus to have scraped all")
        wait_until(lambda: sum(("__name__", "up") in labels for labels in series(self.ask(query))) == len(jobs),
                   "the agent to have scraped all")
        expected = of_prometheus()
        self.assertEqual(series(self.ask(query)), expected)
        self.assertGreater(len(expected), 80)
        self.assertTrue(SAID <= {dict(labels)["__name__"] for labels in expected})

    def test_pages_of_one_server_are_not_asked_for_all_at_once(self):
        asked = {}

        class OneByOne(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.setdefault(self.path, []).append(time.time())
                self.send_response(200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"a 1\n")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneByOne)
        serve(server, self)
        pages = [f"/page-{i}" for i in range(20)]
        url = f"http://127.0.0.1:{server.server_address[1]}"
        self.start("".join(f"    - {{job: {page[1:]}, url: \"{url}{page}\"}}\n" for page in pages))
        wait_until(lambda: len(asked) == len(pages) and min(map(len, asked.values())) >= 3, "three scrapes of each page")
        tenths = {int(times[2] * 10) % 10 for times in list(asked.values())}
        self.assertGreater(len(tenths), 4, asked)

    def test_exemplars_come_out_again(self):
        self.start(f"    - {{job: app, url: \"http://{self.host}/exemplars\"}}\n")
        wait_until(lambda: self.values("up{job=\"app\"}") == {"app": 1}, "the first scrape")
        page = self.agent.request("/metrics", headers={"Accept": "application/openmetrics-text"})[2].decode()
        self.assertIn(f'orders_total{{instance="{self.host}",job="app",kind="web"}} 17 '
                      '# {trace_id="abc"} 0.5 1700000000.123\n', page)
        self.assertIn('le="+Inf"} 4 # {span="x",trace_id="oHg5SJYRHA0"} 9.8 1520879607.789\n', page)
        answer = json.loads(self.agent.request(
            "/api/v1/query_exemplars?query=rate(orders_total[5m])&start=1699999999&end=1700000001")[2])
        self.assertEqual(answer["data"], [{
            "seriesLabels": {"__name__": "orders_total", "instance": self.host, "job": "app", "kind": "web"},
            "exemplars": [{"labels": {"trace_id": "abc"}, "value": "0.5", "timestamp": 1700000000.123}]}])

    def test_params_and_a_unix_socket(self):
        path = os.path.join(self.directory.name, "app.sock")
        serve(UnixServer(path, Pages), self)
        Pages.timeouts.clear()
        self.start(f"    - {{job: params, url: \"http://{self.host}/params?a=1\", params: {{module: \"x y\"}}}}\n"
                   f"    - {{job: socket, url: \"http://app/many\", unix_socket: {path}}}\n")
        wait_until(lambda: self.values("up") == {"params": 1, "socket": 1}, "both scrapes")
        self.assertEqual(self.values("asked{query=\"a=1&module=x%20y\"}"), {"params": 1})
        self.assertEqual(self.values(f"b{{instance=\"{path}\"}}"), {"socket": 2})
        self.assertEqual(Pages.timeouts, {"0.95"})  # a little less than the agent's interval

    def test_the_agent_does_not_scrape_itself(self):
        path = os.path.join(self.directory.name, "agent.sock")
        self.start(f"    - {{job: itself, url: \"http://localhost/metrics\", unix_socket: {path}}}\n",
                   listen=f"[127.0.0.1:0, \"unix:{path}\"]")
        wait_until(lambda: self.values("sidewatch_scrape_failures_total{reason=\"status\"} > 1") != {}, "two scrapes")
        self.assertEqual(self.values("up"), {"itself": 0})
        self.assertEqual(self.values("{exported_job!=\"\"}"), {})
        self.assertIn("this agent's own page", self.agent.log())

    def pss_mib(self):
        with open(f"/proc/{self.agent.process.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024

    def test_label_sets_that_are_new_on_each_page_leave_memory_bounded_and_every_other_metric_right(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Floods)
        serve(server, self)
        Floods.going_on = True
        quiet = f"    - {{job: quiet, url: \"http://{self.host}/many\"}}\n"
        self.start(quiet)
        wait_until(lambda: self.values("b") == {"quiet": 2}, "the first scrape")
        before = self.pss_mib()
        self.agent.stop()
        jobs = [f"flood-{number}" for number in range(2)]
        self.start(quiet + "".join(f"    - {{job: {job}, url: \"http://127.0.0.1:{server.server_address[1]}/\", "
                                   "interval: 3s, max_series: 1000}\n" for job in jobs) + "history: {max_bytes: 4MiB}\n")
        # A page that comes too late on a busy machine leaves nothing: what counts is what was taken.
        overflowed = "sum(sidewatch_scrape_overflow_samples_total) + 2000"
        wait_until(lambda: self.values(overflowed).get(None, 0) >= LABEL_SETS, "all label sets", deadline=8 * DEADLINE)
        Floods.going_on = False
        wait_until(lambda: self.values("up") == {job: 1 for job in jobs + ["quiet"]} and self.values("flood") == {},
                   "scrapes after the flood")
        self.assertEqual(self.values("b"), {"quiet": 2})
        self.assertEqual(self.values("level"), {job: 7 for job in jobs})
        self.assertEqual(set(self.values("steady_total{kind=\"web\"}")), set(jobs))
        self.assertIn("brings more series than max_series (1000) allows", self.agent.log())
        data = json.loads(self.agent.request("/api/v1/status/tsdb")[2])["data"]
        self.assertLess(data["headStats"]["numSeries"], 2300)
        if not SANITIZED:
            self.assertLess(self.pss_mib() - before, 48)

    def test_a_page_that_is_far_too_large_costs_its_own_scrapes_only(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Huge)
        serve(server, self)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        self.start(f"    - {{job: app, url: \"http://{self.host}/many\"}}\n"
                   f"    - {{job: samples, url: \"{url}/samples\", interval: 30s, timeout: 30s}}\n"
                   f"    - {{job: bytes, url: \"{url}/bytes\", interval: 30s, timeout: 30s}}\n")
        wait_until(lambda: self.values("up") == {"app": 1, "samples": 0, "bytes": 0}, "the scrapes")
        self.assertEqual(self.values("a"), {"app": 1})
        self.assertIn("the page has more samples than sample_limit (50000) allows: raise it, or drop some", self.agent.log())
        self.assertIn("the answer is larger than 16MiB (body_size_limit)", self.agent.log())
        self.assertEqual(self.values("count(h)"), {})
        if not SANITIZED:
            self.assertLess(self.pss_mib(), 90)

    def test_a_target_that_hangs_is_a_failed_scrape_and_no_overdue_collector(self):
        with socket.create_server(("127.0.0.1", 0)) as hanging:  # nobody takes its connections
            self.start(f"    - {{job: app, url: \"http://127.0.0.1:{hanging.getsockname()[1]}/\"}}\n")
            wait_until(lambda: self.values("sidewatch_scrape_failures_total{reason=\"timeout\"} > 3") != {}, "four scrapes")
            self.assertEqual(self.values("up"), {"app": 0})
        self.assertIn("gave no whole answer within the timeout of 950ms", self.agent.log())
        self.assertNotIn("overdue", self.agent.log())

    def test_series_go_stale_when_the_target_is_gone(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ClosingPages)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.start(f"    - {{job: app, url: \"http://127.0.0.1:{server.server_address[1]}/many\", timeout: 500ms}}\n")
        wait_until(lambda: self.values("a") == {"app": 1}, "the first scrape")
        server.shutdown()
        server.server_close()
        wait_until(lambda: self.values("up") == {"app": 0} and self.values("a") == {}, "the series to go stale")


if __name__ == "__main__":
    unittest.main(verbosity=2)
