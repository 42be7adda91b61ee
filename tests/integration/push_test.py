#!/usr/bin/env python3
"""What programs push to the real agent's HTTP port: JSON, packed, chunked, too large, from where they may not; heartbeats; as to a
Pushgateway."""

import gzip
import http.client
import json
import os
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, Receiver, temporary_directory, wait_until  # noqa: E402
from servers import free_port  # noqa: E402

JSON = {"Content-Type": "application/json"}


class Pushing(unittest.TestCase):
    def start(self, collectors, http_keys=""):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.agent = Agent(f"""
agent: {{interval: 200ms, state_dir: {self.directory.name}/state}}
http: {{listen: 127.0.0.1:0{http_keys}}}
collectors: {collectors}
""", self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def send(self, method, path, body=None, headers=None, chunked=False):
        """Status and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=10)
        try:
            connection.request(method, path, body=iter(body) if chunked else body, headers=headers or {},
                               encode_chunked=chunked)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def push(self, document, **headers):
        status, text = self.send("POST", "/api/v1/push", json.dumps(document).encode(), {**JSON, **headers})
        return status, json.loads(text)

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def wait_for(self, value, name, **labels):
        wait_until(lambda: self.page().matching(name, **labels) == [value], f"{name} {labels} to be {value}")


class Json(Pushing):
    def test_what_is_pushed_is_served_and_what_is_wrong_is_told(self):
        self.start("{push: {}}")
        self.assertEqual(self.push({"orders_total": 3, 'queue_depth{queue="mail"}': 7, "seconds": {"observe": [0.2, 3]}}),
                         (200, {"accepted": 3, "rejected": []}))
        self.wait_for(3, "orders_total")
        self.wait_for(7, "queue_depth", queue="mail")
        self.wait_for(1, "seconds_bucket", le="0.25")
        self.wait_for(2, "seconds_bucket", le="+Inf")
        status, answer = self.push({"metrics": [{"name": "a", "value": 1}, {"name": "b-c", "value": 1}]})
        self.assertEqual((status, answer["accepted"], answer["rejected"][0]["at"]), (200, 1, "metrics[1].name"))
        self.assertEqual(self.push({"node_load1": 99})[0], 400)
        self.wait_for(2, "sidewatch_push_requests_total", kind="push", code="200")
        self.wait_for(1, "sidewatch_push_refused_total", kind="push", reason="reserved")
        self.assertEqual(self.page().matching("node_load1"), [])

    def test_a_body_may_be_packed_and_in_chunks(self):
        self.start("{push: {}}")
        packed = gzip.compress(json.dumps({"packed_total": 4}).encode())
        self.assertEqual(self.send("POST", "/api/v1/push", packed, {**JSON, "Content-Encoding": "gzip"})[0], 200)
        pieces = [b'{"chunked_total"', b": 5", b"}"]
        self.assertEqual(self.send("POST", "/api/v1/push", pieces, JSON, chunked=True)[0], 200)
        self.wait_for(4, "packed_total")
        self.wait_for(5, "chunked_total")

    def test_a_large_push_is_taken_and_a_too_large_one_refused(self):
        self.start("{push: {max_series: 6000, max_metrics: 6000}}", ", max_push_bytes: 1MiB")
        large = {f'wide{{n="{n}", filler="{"x" * 100}"}}': n for n in range(5000)}
        self.assertEqual(self.push(large), (200, {"accepted": 5000, "rejected": []}))
        wait_until(lambda: len(self.page().matching("wide")) >= 4000, "the series")
        self.assertEqual(self.send("POST", "/api/v1/push", b" " * (1 << 20) + b"{}", JSON)[0], 413)
        bomb = gzip.compress(b" " * (1 << 24))
        status, text = self.send("POST", "/api/v1/push", bomb, {**JSON, "Content-Encoding": "gzip"})
        self.assertEqual(status, 413)
        self.assertIn("http.max_push_bytes", text)
        self.assertEqual(self.send("POST", "/api/v1/push", b"[" + b"0," * 400_000 + b"0]", JSON)[0], 413)
        self.assertEqual(self.push({"after_total": 1})[0], 200)

    def test_a_web_page_cannot_push(self):
        self.start("{push: {}}")
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
            self.assertEqual(self.send("POST", "/api/v1/push", b"{}", {**JSON, **headers})[0], 403, headers)
        self.assertEqual(self.send("POST", "/api/v1/push", b'{"a": 1}', {"Content-Type": "text/plain"})[0], 415)

    def test_without_the_key_the_answer_names_it(self):
        self.start("{host: {}}")
        status, text = self.send("POST", "/api/v1/push", b"{}", JSON)
        self.assertEqual(status, 404)
        self.assertIn("set collectors.push in the agent's configuration", text)
        self.assertEqual(self.send("GET", "/api/v1/push")[0], 405)

    def test_a_reload_keeps_what_was_pushed_unless_its_keys_change(self):
        self.start("{push: {}}")
        self.push({"orders_total": 3})
        self.wait_for(3, "orders_total")
        self.agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the configuration" in self.agent.log(), "the reload")
        self.push({"later_total": 1})
        self.wait_for(1, "later_total")
        self.wait_for(3, "orders_total")


def own_address():
    """An address of this machine that is no loopback; nothing is sent to find it. None: there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else address


class FromElsewhere(Pushing):
    def start_at(self, allowed):
        address = own_address()
        if address is None:
            self.skipTest("this machine has no address but loopback")
        port = free_port()
        self.start("{push: {}, heartbeat: [{name: backup, every: 1h}]}")
        with open(self.agent.config_path, encoding="utf-8") as file:
            config = file.read()
        self.agent.stop()
        self.agent.write_config(config.replace("{listen: 127.0.0.1:0", f"{{listen: [127.0.0.1:0, '{address}:{port}']{allowed}"))
        self.agent.start()
        return address, port

    def ask(self, place, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(*place, timeout=10)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def test_nobody_pushes_unless_it_is_allowed(self):
        place = self.start_at("")
        for method, path in (("POST", "/api/v1/push"), ("GET", "/ping/backup"), ("HEAD", "/ping/backup")):
            status, text = self.ask(place, method, path, b"{}" if method == "POST" else None, JSON)
            self.assertEqual(status, 403, path)
        self.assertEqual(self.ask(place, "POST", "/api/v1/push", b"{}", JSON)[1],
                         "pushing from another machine is off; http.allow_remote_push: true lets it in\n")
        self.assertEqual(self.ask(place, "GET", "/metrics")[0], 200)
        self.assertEqual(self.push({"a_total": 1})[0], 200)
        self.wait_for(4, "sidewatch_http_refused_total", reason="forbidden")
        self.assertEqual(self.page().value("heartbeat_pings_total", heartbeat="backup", result="success"), 0)

    def test_whom_the_configuration_lets_in(self):
        place = self.start_at(", allow_remote_push: true")
        self.assertEqual(self.ask(place, "POST", "/api/v1/push", b'{"far_total": 2}', JSON)[0], 200)
        self.assertEqual(self.ask(place, "GET", "/ping/backup")[0], 200)
        self.wait_for(2, "far_total")


class Heartbeats(Pushing):
    JOBS = "{heartbeat: [{name: backup, every: 1h, grace: 5m}, {name: often, every: 1s, grace: 0s}]}"

    def test_a_job_tells_how_its_run_went(self):
        self.start(self.JOBS)
        self.assertEqual(self.send("GET", "/ping/backup/start"), (200, "OK\n"))
        self.wait_for(1, "heartbeat_running", heartbeat="backup")
        self.assertEqual(self.send("POST", "/ping/backup/3", b"the output of the job")[0], 200)
        self.wait_for(1, "heartbeat_failed", heartbeat="backup")
        self.assertEqual(self.send("HEAD", "/ping/backup"), (200, ""))
        self.wait_for(0, "heartbeat_failed", heartbeat="backup")
        page = self.page()
        self.assertAlmostEqual(page.value("heartbeat_last_ping_timestamp_seconds", heartbeat="backup"), time.time(), delta=30)
        self.assertEqual(page.value("heartbeat_pings_total", heartbeat="backup", result="success"), 1)
        self.assertEqual(self.send("GET", "/ping/nothing")[0], 404)
        self.assertEqual(self.send("GET", "/ping/backup", headers={"Sec-Fetch-Site": "cross-site"})[0], 403,
                         "an image in a web page must not ping")
        self.assertEqual(self.send("GET", "/ping/backup", headers={"User-Agent": "Mozilla/5.0", "Referer": "http://evil.example/"})[0], 403,
                         "nor one that an older browser asks for")

    def test_a_job_that_stays_away_is_told_and_so_is_its_return(self):
        self.start(self.JOBS + """
shipped_rules: [heartbeat]
receivers: [{name: hook, webhook: {url: "RECEIVER"}}]""".replace("RECEIVER", self.receiver().url))
        first = self.hook.wait_for(1, "that it stays away")[0]["body"]["alerts"][0]
        self.assertEqual((first["labels"]["alertname"], first["annotations"]["summary"]),
                         ("HeartbeatMissed", "The job often has not told in time that it ran"))
        end = time.monotonic() + 20
        while len(self.hook.taken()) < 2 and time.monotonic() < end:
            self.send("GET", "/ping/often")
        told = self.hook.wait_for(2, "that it is back")[1]["body"]["alerts"][0]
        self.assertEqual((told["reason"], told["annotations"]["summary"]), ("resolved", "The job often runs again"))

    def receiver(self):
        self.hook = Receiver()
        self.addCleanup(self.hook.stop)
        return self.hook

    def test_no_answered_ping_is_lost_when_the_agent_is_killed(self):
        self.start("{heartbeat: [{name: backup, every: 1h, grace: 5m}]}")
        for life in range(1, 6):
            self.assertEqual(self.send("GET", f"/ping/backup/{0 if life % 2 else 1}")[0], 200)
            at = time.time()
            self.agent.kill()
            self.agent.start()
            wait_until(lambda: self.page().matching("heartbeat_overdue"), "the first pass")
            page = self.page()
            pings = [page.value("heartbeat_pings_total", heartbeat="backup", result=each) for each in ("success", "failure")]
            self.assertEqual(pings, [(life + 1) // 2, life // 2])
            self.assertAlmostEqual(page.value("heartbeat_last_ping_timestamp_seconds", heartbeat="backup"), at, delta=2)
            self.assertEqual(page.value("heartbeat_failed", heartbeat="backup"), 0 if life % 2 else 1)
            self.assertEqual(page.value("heartbeat_overdue", heartbeat="backup"), 0)


    def test_the_end_of_a_short_run_is_not_lost_when_the_agent_is_killed_or_stopped(self):
        self.start("{heartbeat: [{name: backup, every: 1h, grace: 5m}]}")
        for life, end in enumerate((self.agent.kill, self.agent.terminate), start=1):
            for word in ("start", "0"):
                self.assertEqual(self.send("GET", f"/ping/backup/{word}"), (200, "OK\n"))
            end()
            self.agent.start()
            wait_until(lambda: self.page().matching("heartbeat_overdue"), "the first pass")
            page = self.page()
            self.assertEqual(page.value("heartbeat_running", heartbeat="backup"), 0)
            self.assertEqual(page.value("heartbeat_pings_total", heartbeat="backup", result="success"), life)


class Pushgateway(Pushing):
    PAGE = b"# HELP backup_bytes What it wrote.\n# TYPE backup_bytes gauge\nbackup_bytes{disk=\"a\"} 3.14e9\n"

    def test_put_post_and_delete_do_what_the_pushgateway_does(self):
        self.start("{pushgateway: {}}")
        self.assertEqual(self.send("PUT", "/metrics/job/backup/instance/db%2F1", self.PAGE), (200, ""))
        self.wait_for(3.14e9, "backup_bytes", job="backup", instance="db/1", disk="a")
        self.assertEqual(self.send("POST", "/metrics/job/backup/instance@base64/ZGIvMQ", b"other 1\n")[0], 200)
        self.wait_for(1, "other", job="backup", instance="db/1")
        self.assertEqual(self.page().matching("backup_bytes"), [3.14e9])
        self.assertAlmostEqual(self.page().value("push_time_seconds", job="backup", instance="db/1"), time.time(), delta=30)
        self.assertEqual(self.send("PUT", "/metrics/job/backup/instance/db%2F1", b"third 1\n")[0], 200)
        wait_until(lambda: self.page().matching("third") and not self.page().matching("other"), "the replacement")
        self.assertEqual(self.send("DELETE", "/metrics/job/backup/instance/db%2F1")[0], 202)
        wait_until(lambda: not self.page().matching("push_time_seconds"), "the removal")

    def test_a_push_that_cannot_be_used_is_refused_whole_and_seen(self):
        self.start("{pushgateway: {}}")
        status, text = self.send("PUT", "/metrics/job/backup", b"good 1\nbad{ 2\n")
        self.assertEqual(status, 400)
        self.assertRegex(text, r"^2:\d+: ")
        self.assertEqual(self.send("PUT", "/metrics/job/backup", b"good 1\nnode_load1 99\n")[0], 400)
        self.assertEqual(self.send("PUT", "/metrics/job/backup", b"good 1 1700000000000\n")[0], 400)
        wait_until(lambda: self.page().matching("push_failure_time_seconds", job="backup"), "the group")
        self.assertGreater(self.page().value("push_failure_time_seconds", job="backup"), time.time() - 60)
        self.assertEqual(self.page().matching("good"), [])
        self.assertEqual(self.send("PUT", "/metrics/jobs/backup", b"good 1\n")[0], 400)
        self.assertEqual(self.send("GET", "/metrics/job/backup")[0], 405)
        self.assertEqual(self.send("GET", "/metrics")[0], 200)

    def test_groups_survive_the_agent(self):
        self.start("{pushgateway: {}}")
        self.send("PUT", "/metrics/job/backup", self.PAGE)
        self.wait_for(3.14e9, "backup_bytes", job="backup")
        wait_until(lambda: os.path.exists(f"{self.directory.name}/state/pushgateway.json"), "the file")
        self.agent.kill()
        self.agent.start()
        self.wait_for(3.14e9, "backup_bytes", job="backup")
        self.send("PUT", "/metrics/job/second", b"late 1\n")
        self.agent.terminate()
        self.agent.start()
        self.wait_for(1, "late", job="second")

    def test_client_libraries_push_in_chunks_and_packed(self):
        self.start("{pushgateway: {}}")
        self.assertEqual(self.send("PUT", "/metrics/job/node", [self.PAGE[:20], self.PAGE[20:]],
                                   {"Content-Type": "text/plain"}, chunked=True)[0], 200)
        self.assertEqual(self.send("POST", "/metrics/job/packed", gzip.compress(self.PAGE), {"Content-Encoding": "gzip"})[0], 200)
        self.wait_for(3.14e9, "backup_bytes", job="node")
        self.wait_for(3.14e9, "backup_bytes", job="packed")


if __name__ == "__main__":
    unittest.main()
