#!/usr/bin/env python3
"""That one source which sends ever new series leaves the others, and the agent itself, room for theirs."""

import http.client
import http.server
import json
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import DEADLINE, Agent, temporary_directory, wait_until  # noqa: E402
from servers import free_port  # noqa: E402

LABEL_SETS = 6000  # of each of five metrics: together more than limits.max_series


class PageServer:
    """An application whose /metrics is `text`."""

    def __init__(self):
        self.text = "old_scraped 1\n"
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = application.text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Burst(unittest.TestCase):
    def config(self, collectors="", more=""):
        return f"""
agent: {{interval: 200ms, state_dir: {self.directory.name}/state}}
http: {{listen: 127.0.0.1:0}}
collectors:
  statsd: {{listen: ["tcp://127.0.0.1:{self.port}"]}}
  push: {{}}
{collectors}
{more}
"""

    def start(self, **config):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.port = free_port()
        self.agent = Agent(self.config(**config), self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()
        wait_until(lambda: self.page().matching("sidewatch_statsd_lines_total"), "the collector's first pass")

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def send(self, lines):
        with socket.create_connection(("127.0.0.1", self.port)) as stream:
            stream.sendall(("\n".join(lines) + "\n").encode())

    def push(self, document):
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=DEADLINE)
        try:
            connection.request("POST", "/api/v1/push", json.dumps(document).encode(), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def wait_for(self, value, name, **labels):
        wait_until(lambda: self.page().matching(name, **labels) == [value], f"{name} {labels} to be {value}")

    def told_of_what_is_left_out(self):
        return wait_until(lambda: [line for line in self.agent.log().splitlines() if "series are left out" in line],
                          "the log to say so")

    def begin_a_check_of_what_is_dead(self, **config):
        """It alerts, although it begins now."""
        collectors = config.pop("collectors", "")
        more = config.pop("more", "")
        self.agent.write_config(self.config(
            collectors + '\n  probe: [{name: dead, interval: 1s, timeout: 1s, tcp: {address: "127.0.0.1:1"}}]\n',
            more + "\nshipped_rules: [probe]\nrule_changes: [{alert: ProbeFailing, for: 0s}]\n"))
        self.agent.process.send_signal(1)
        wait_until(lambda: self.agent.alerts("ProbeFailing"), "the check that began later to alert")

    def test_a_burst_of_label_sets_over_statsd_leaves_room_for_whatever_begins_later(self):
        application = PageServer()
        self.addCleanup(application.stop)
        scrape = f'  scrape: [{{job: app, url: "http://127.0.0.1:{application.port}/"}}]\n'
        self.start(collectors=scrape)
        self.wait_for(1, "old_scraped")
        for start in range(0, LABEL_SETS, 1000):
            self.send([f"burst{metric}:1|c|#kind:web,req:{number}" for number in range(start, start + 1000)
                       for metric in range(5)])
        self.send(["behind:1|c"])
        self.wait_for(1, "behind")
        page = self.page()
        for metric in range(5):
            self.assertEqual(sum(page.matching(f"burst{metric}")), LABEL_SETS)
        wait_until(lambda: self.agent.alerts("SeriesLeftOut"), "the alert about what is left out")
        told = self.told_of_what_is_left_out()
        self.assertEqual(len(told), 1, told)
        self.assertRegex(told[0], r'limit="?collectors\.statsd\.max_series.* metric=burst\d series=\d+ label=req values=\d+')

        self.begin_a_check_of_what_is_dead(collectors=scrape)
        self.assertEqual(self.push({"new_pushed": 5}), (200, {"accepted": 1, "rejected": []}))
        application.text += 'new_scraped{x="1"} 1\nnew_scraped{x="2"} 2\n'
        self.send(["new_sent:3|c", "_sc|db|2", "_e{1,1}:a|b|t:error"])
        self.wait_for(5, "new_pushed")
        self.wait_for(1, "new_scraped", x="1")
        self.wait_for(2, "new_scraped", x="2")
        self.wait_for(3, "new_sent")
        self.wait_for(2, "sidewatch_statsd_service_check_status")
        self.wait_for(1, "sidewatch_statsd_events_total", type="error")

    def test_what_is_sent_never_takes_the_last_room_and_push_says_so(self):
        small = "limits: {max_series: 1000}"
        self.start(more=small)
        for start in range(0, 3000, 500):
            self.push({"metrics": [{"name": f"pushed{number % 7}", "labels": {"n": str(number)}, "value": 1}
                                   for number in range(start, start + 500)]})
        wait_until(lambda: self.agent.alerts("SeriesLeftOut"), "the alert about what is left out")
        self.assertRegex(self.told_of_what_is_left_out()[0], r"limit=limits\.max_series metric=pushed\d series=\d+ label=n values=\d+")
        status, answer = wait_until(lambda: self.push({"late": 1}) if self.push({"late": 1})[0] != 200 else None,
                                    "the push to be refused")
        self.assertEqual((status, answer["accepted"]), (429, 0))
        self.assertIn("limits.max_series", answer["rejected"][0]["why"])
        self.begin_a_check_of_what_is_dead(more=small)


if __name__ == "__main__":
    unittest.main()
