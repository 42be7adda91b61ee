#!/usr/bin/env python3
"""The application's own counters, sent to the real agent over every transport, between its passes and in floods."""

import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from servers import free_port  # noqa: E402

LINES = 1500


class Statsd(unittest.TestCase):
    def start(self, interval="1s", more=""):
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
""", self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()
        wait_until(lambda: self.page().matching("sidewatch_statsd_lines_total"), "the collector's first pass")

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

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


if __name__ == "__main__":
    unittest.main()
