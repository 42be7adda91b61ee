#!/usr/bin/env python3
"""The application's own counters, sent to the real agent over every transport, between its passes and in floods."""

import json
import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import BINARY, DEADLINE, Agent, Receiver, temporary_directory, wait_until  # noqa: E402
from servers import free_port  # noqa: E402

LINES = 1500
LABEL_SETS = 1_000_000
SANITIZED = "asan" in BINARY or "tsan" in BINARY  # where memory says nothing, and everything is slower


class Statsd(unittest.TestCase):
    def start(self, interval="1s", more="", top=""):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.port = free_port()
        self.socket = os.path.join(self.directory.name, "app.sock")
        self.agent = Agent(f"""
agent: {{interval: {interval}, state_dir: {self.directory.name}/state}}
http: {{listen: 127.0.0.1:0}}
collectors:
  statsd:
    listen: ["udp://127.0.0.1:{self.port}", "tcp://127.0.0.1:{self.port}", "unixgram://{self.socket}"]
    {more}
{top}
""", self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()
        wait_until(lambda: self.page().matching("sidewatch_statsd_lines_total"), "the collector's first pass")

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def most(self, name):
        answer = self.agent.request(f"/api/v1/query?query=max_over_time({name}[10m])")[2]
        return json.loads(answer)["data"]["result"][0]["value"][1]

    def udp(self, *lines):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for line in lines:
                client.sendto(line.encode(), ("127.0.0.1", self.port))

    def wait_for(self, value, name, **labels):
        wait_until(lambda: self.page().matching(name, **labels) == [value], f"{name} {labels} to be {value}")

    def test_every_transport_ends_in_the_same_series(self):
        self.start()
        self.udp("shop.orders:1|c|#kind:web")
        with socket.create_connection(("127.0.0.1", self.port)) as stream:
            stream.sendall(b"shop.orders:2|c|#kind:web\nshop.orders:4|c|#kind")
            stream.sendall(b":web\n")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.sendto(b"shop.orders:8|c|#kind:web", self.socket)
        self.wait_for(15, "shop_orders", kind="web")

    def test_what_comes_between_two_passes_is_read_at_once_and_nothing_is_lost(self):
        self.start(interval="5s")
        for number in range(LINES):
            self.udp(f"hits:1|c|#page:{number % 10}")

        def unread():
            with open("/proc/net/udp", encoding="ascii") as table:
                rows = [row.split() for row in table if f":{self.port:04X}" in row.split()[1]]
            return [int(row[4].split(":")[1], 16) for row in rows], [int(row[12]) for row in rows]

        wait_until(lambda: unread()[0] == [0], "the socket to be read empty", deadline=4)
        self.assertEqual(unread()[1], [0], "datagrams were dropped")
        wait_until(lambda: sum(self.page().matching("hits")) == LINES, "all to be counted")

    def test_a_flood_of_tags_and_nonsense_leaves_the_rest_right(self):
        self.start()
        with socket.create_connection(("127.0.0.1", self.port)) as stream:
            for start in range(0, 30_000, 1000):
                stream.sendall("".join(f"flood:1|c|#id:{start + n}\nslow:{n}|ms|#id:{start + n}\n"
                                       for n in range(1000)).encode())
            stream.sendall(b"quiet:1|c\nx_count:1|c\nx:1|ms\nnode_load1:99|g\n\xff\xfe:1|c\n:|||\n" + b"y" * 100_000 + b"\n")
            stream.sendall(b"quiet:1|c\n")
        self.wait_for(2, "quiet")
        page = self.page()
        self.assertEqual(sum(page.matching("flood")), 30_000)
        self.assertEqual(sum(page.matching("slow_count")), 30_000)
        self.assertEqual(page.matching("node_load1"), [])
        self.assertEqual(page.value("sidewatch_statsd_line_errors_total", reason="type_conflict"), 1)
        self.assertEqual(page.value("sidewatch_statsd_line_errors_total", reason="reserved_name"), 1)
        data = json.loads(self.agent.request("/api/v1/status/tsdb")[2])["data"]
        refused = {row["name"]: row["value"] for row in data["refusedByMetricName"]}
        apart = len(page.matching("slow_count")) - 1
        self.assertEqual(refused["slow_count"], 30_000 - apart, "label sets of timings are counted as those of counters")

    def test_promtool_takes_the_page_whatever_tags_were_sent(self):
        self.start(more="mapping_files: [mapping*.yaml]")
        path = os.path.join(os.path.dirname(self.agent.config_path), "mapping.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write('mappings:\n- {match: "h.*", name: h, observer_type: histogram, histogram_options: {buckets: [1]}}\n')
        self.agent.process.send_signal(1)
        wait_until(lambda: self.udp("h.a:2|h|#le:foo", "t:1000|ms|#quantile:a") or self.page().matching("h_count"),
                   "the mapping after a reload")
        self.udp("t:9000|ms|#quantile:b", "h.a:2|h|#le:bar", "hits:1|c|#le:1,quantile:x", "depth:1|g|#quantile:x")
        wait_until(lambda: self.page().matching("h_bucket", exported_le="bar", le="+Inf") == [1], "the last of the lines")
        page = self.agent.request("/metrics")[2]
        self.assertEqual(len(Page(page.decode()).matching("t", quantile="0.5")), 2)
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=DEADLINE)
        self.assertIn(checked.returncode, (0, 3), checked.stderr.decode())  # 3: remarks on how things are named
        self.assertNotIn(b"error while linting", checked.stderr)

    def test_a_mapping_file_of_statsd_exporter_is_read_and_its_mistakes_are_pointed_at(self):
        self.start(more="mapping_files: [mapping*.yaml]")
        path = os.path.join(os.path.dirname(self.agent.config_path), "mapping.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write('mappings:\n- match: "shop.*.orders"\n  name: orders_total\n  labels: {country: "$1"}\n')
        self.agent.process.send_signal(1)
        wait_until(lambda: self.udp("shop.de.orders:1|c") or self.page().matching("orders_total", country="de"),
                   "the mapping after a reload")
        with open(path, "w", encoding="utf-8") as file:
            file.write('mappings:\n- match: "shop.x*"\n  name: orders_total\n')
        self.agent.process.send_signal(1)
        wait_until(lambda: "mapping.yaml:2:11" in self.agent.log(), "the place of the mistake in the log")

    def test_an_event_of_the_type_error_reaches_a_webhook_with_its_title_and_is_resolved_when_no_more_come(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.start(interval="200ms", more="events: {keep: 1s}", top=f"""
shipped_rules: [statsd]
receivers: [{{name: hook, webhook: {{url: "{receiver.url}"}}}}]
""")
        self.udp("_e{8,4}:Deployed|text|t:success", "_e{9,10}:Disk died|of old age|t:error|#room:b", "_sc|db|0")
        receiver.wait_for(1, "the event")
        self.udp("_sc|db|2|m:no route to host")
        told = [request["body"]["alerts"][0] for request in receiver.wait_for(3, "the check, and the end of the event")]
        self.assertEqual({(alert["labels"]["alertname"], alert["reason"], alert["annotations"]["summary"]) for alert in told},
                         {("StatsdEventError", "fired", "Disk died"),
                          ("StatsdServiceCheck", "fired", "The check db is critical"),
                          ("StatsdEventError", "resolved", "No more of: Disk died")})
        self.assertEqual(told[0]["labels"]["room"], "b")
        self.assertEqual(self.page().matching("sidewatch_statsd_service_check_message", message="no route to host"), [1])

    def test_the_first_error_that_is_ever_counted_reaches_a_webhook_and_so_does_one_long_after_it(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.start(interval="200ms", more="ttl: 4s", top=f"""
rules:
  - {{alert: Errors, expr: "increase(errors[3s])", critical: "> 4", cooldown: 1s, no_data: ok}}
receivers: [{{name: hook, webhook: {{url: "{receiver.url}"}}}}]
""")
        self.udp("errors:5|c")
        fired = receiver.wait_for(1, "the first error")[0]["body"]["alerts"][0]
        self.assertEqual(fired["reason"], "fired")
        self.assertAlmostEqual(fired["value"], 5, delta=2.6)  # extrapolated as Prometheus does
        self.assertEqual(self.most("errors"), "5")
        receiver.wait_for(2, "the end, when nothing more is counted")
        wait_until(lambda: not self.page().matching("errors"), "the series to end")
        self.udp("errors:5|c")
        again = receiver.wait_for(3, "the next error")[2]["body"]["alerts"][0]
        self.assertEqual(again["reason"], "fired")
        self.assertEqual(self.most("errors"), "10", "the sum goes on where it was")

    def test_lines_are_relayed_to_another_agent_that_then_counts_the_same(self):
        self.start()
        other_port, first = self.port, self.agent
        with temporary_directory() as directory:
            relay = Agent(f"""
agent: {{interval: 200ms}}
http: {{listen: 127.0.0.1:0}}
collectors: {{statsd: {{listen: ["unixgram://{directory}/in.sock"], relay: ["udp://localhost:{other_port}"]}}}}
""", directory)
            relay.start()
            try:
                page = lambda: Page(relay.request("/metrics")[2].decode())  # noqa: E731
                wait_until(lambda: page().matching("sidewatch_statsd_lines_total"), "the relay's first pass")
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                    for number in range(LINES):
                        client.sendto(f"passed.on:1|c|#n:{number % 7}\nwrong".encode(), f"{directory}/in.sock")
                wait_until(lambda: sum(page().matching("passed_on")) == LINES, "the relay itself to count")
                wait_until(lambda: sum(Page(first.request("/metrics")[2].decode()).matching("passed_on")) == LINES,
                           "the other agent to count the same")
                self.assertEqual(page().matching("sidewatch_statsd_relayed_lines_total",
                                                 address=f"udp://127.0.0.1:{other_port}"), [2 * LINES])
                self.assertEqual(page().matching("sidewatch_statsd_relay_dropped_lines_total"), [0])
            finally:
                relay.stop()

    def pss_mib(self):
        with open(f"/proc/{self.agent.process.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024

    def test_a_million_label_sets_leave_memory_bounded_and_every_other_metric_right(self):
        self.start(more="max_bytes: 4MiB")
        sets = LABEL_SETS // 20 if SANITIZED else LABEL_SETS
        quiet = "quiet:1|c|#kind:web\nlevel:7|g\ntook:20|ms\n"
        with socket.create_connection(("127.0.0.1", self.port)) as stream:
            stream.sendall(quiet.encode())
            wait_until(lambda: self.page().matching("quiet") == [1], "the metrics that are to stay right")
            before = self.pss_mib()
            for start in range(0, sets, 1000):
                stream.sendall("".join(f"flood:1|c|#user:{start + n}\n" for n in range(1000)).encode() + quiet.encode())
            stream.sendall(b"last:1|c\n")
        wait_until(lambda: self.page().matching("last") == [1], "the flood to be read", deadline=10 * DEADLINE)
        page = self.page()
        rounds = sets // 1000 + 1
        self.assertEqual(page.matching("quiet", kind="web"), [rounds])
        self.assertEqual(page.matching("level"), [7])
        self.assertEqual(page.matching("took_count"), [rounds])
        self.assertAlmostEqual(page.matching("took", quantile="0.99")[0], 0.02, delta=0.0002)
        self.assertEqual(sum(page.matching("flood")), sets)
        apart = len(page.matching("flood")) - 1
        self.assertEqual(apart, 5000)
        self.assertEqual(page.value("flood", overflow="true"), sets - apart)
        self.wait_for(sets - apart, "sidewatch_series_overflowed_total")  # the collector of the agent itself may be a pass behind
        data = json.loads(self.agent.request("/api/v1/status/tsdb")[2])["data"]
        self.assertEqual(data["seriesCountByMetricName"][0], {"name": "flood", "value": apart + 1})
        self.assertEqual(data["labelValueCountByLabelName"][0], {"name": "user", "value": apart})
        self.assertEqual(data["refusedByMetricName"], [{"name": "flood", "value": sets - apart}])
        shown = subprocess.run([BINARY, "top-series", "--url", f"http://127.0.0.1:{self.agent.port}", "--limit", "3"],
                               capture_output=True, text=True, timeout=DEADLINE, check=True).stdout
        self.assertRegex(shown, r"metrics with most series +series\nflood +5 001\n")
        self.assertRegex(shown, r"metrics that a budget kept series out of +times\nflood +[0-9 ]+\n")
        if not SANITIZED:
            self.assertLess(self.pss_mib() - before, 24)


if __name__ == "__main__":
    unittest.main()
