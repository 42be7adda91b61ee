#!/usr/bin/env python3
"""Values of JSON endpoints, as an application answers them, become metrics of the real agent."""

import gzip
import http.server
import itertools
import json
import os
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import BINARY, DEADLINE, Agent, temporary_directory, wait_until  # noqa: E402

SANITIZED = "asan" in BINARY or "tsan" in BINARY  # where memory says nothing, and everything is slower

HEALTH = {"status": "DOWN", "components": {"db": {"status": "UP"}, "disk": {"status": "DOWN"}}}
VARS = {"memstats": {"HeapAlloc": 1048576, "PauseTotalNs": 2500000000}, "jobs": {"waiting": 3, "running": 1},
        "twice": [{"name": "a", "n": 1}, {"name": "a", "n": 2}]}

# All keys are new in each answer, beside a value that stays.
FLOOD = 20_000
KEYS = 40_000 if SANITIZED else 100_000


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    floods = itertools.count()
    going_on = True

    def flood(self):
        number = next(Answers.floods)
        users = {f"user{number * FLOOD + n}": n for n in range(FLOOD)} if Answers.going_on else {}
        return 200, {"steady": 7, "users": users}

    def do_GET(self):
        kinds = {"/actuator/health": lambda: (503, HEALTH), "/debug/vars": lambda: (200, VARS), "/flood": self.flood}
        status, value = kinds.get(self.path, lambda: (404, {}))()
        body = gzip.compress(json.dumps(value).encode(), 1)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it was too late

    def log_message(self, *_):
        pass


class Json(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    def start(self, sources):
        self.agent = Agent("agent: {interval: 1s}\nhttp: {listen: 127.0.0.1:0}\nhistory: {max_bytes: 4MiB}\n"
                           f"collectors:\n  json:\n{sources}", self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def values(self, query):
        """The labels, as a sorted text without the name, and the value."""
        answer = json.loads(self.agent.request("/api/v1/query?query=" + urllib.parse.quote(query))[2])
        return {",".join(f"{name}={value}" for name, value in sorted(item["metric"].items()) if name != "__name__"):
                float(item["value"][1]) for item in answer["data"]["result"]}

    def test_takes_what_applications_answer(self):
        self.start(f"""
    - name: shop
      url: "{self.url}/actuator/health"
      any_status: true
      metrics:
        - {{path: /status, name: spring_health, values: {{UP: 1, "*": 0}}}}
        - {{path: "/components/*/status", name: spring_component_health, keys: [component], values: {{UP: 1, "*": 0}}}}
    - name: worker
      url: "{self.url}/debug/vars"
      metrics:
        - {{path: /memstats/HeapAlloc, name: go_heap_alloc_bytes}}
        - {{path: /memstats/PauseTotalNs, name: go_gc_pause_seconds_total, type: counter, scale: 1.0e-9}}
        - {{path: "/jobs/*", name: worker_jobs, keys: [state]}}
        - {{path: "/twice/*/n", name: twice, labels_from: {{name: "/twice/*/name"}}}}
    - {{name: gone, url: "{self.url}/nothing", metrics: [{{path: /a, name: a}}]}}
""")
        wait_until(lambda: self.values("json_up") == {"instance=shop": 1, "instance=worker": 1, "instance=gone": 0},
                   "the first answers")
        self.assertEqual(self.values("spring_health"), {"instance=shop": 0})
        self.assertEqual(self.values("spring_component_health"),
                         {"component=db,instance=shop": 1, "component=disk,instance=shop": 0})
        self.assertEqual(self.values("go_heap_alloc_bytes"), {"instance=worker": 1048576})
        self.assertEqual(self.values("go_gc_pause_seconds_total"), {"instance=worker": 2.5})
        self.assertEqual(self.values("worker_jobs"),
                         {"instance=worker,state=running": 1, "instance=worker,state=waiting": 3})
        self.assertEqual(self.values("twice"), {"instance=worker,name=a": 1})
        self.assertGreaterEqual(self.values("sidewatch_json_duplicate_values_total{instance=\"worker\"}")["instance=worker"], 1)
        self.assertIn("has more than one value for twice", self.agent.log())
        self.assertIn("answered 404", self.agent.log())

    def pss_mib(self):
        with open(f"/proc/{self.agent.process.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024

    def test_keys_that_are_new_in_each_answer_leave_memory_bounded_and_every_other_metric_right(self):
        Answers.going_on = True
        self.start(f"""
    - {{name: worker, url: "{self.url}/debug/vars", metrics: [{{path: "/jobs/*", name: worker_jobs, keys: [state]}}]}}
    - name: flood
      url: "{self.url}/flood"
      interval: 3s
      body_size_limit: 8MiB
      metrics:
        - {{path: /steady, name: steady}}
        - {{path: "/users/*", name: hits, keys: [user], optional: true}}
""")
        # An answer that comes too late on a busy machine leaves nothing: what counts is what was taken.
        overflowed = "sum(sidewatch_json_overflow_values_total) + 1000"
        wait_until(lambda: self.values(overflowed).get("", 0) >= KEYS, "all keys", deadline=7 * DEADLINE)
        Answers.going_on = False
        wait_until(lambda: self.values("json_up{instance=\"flood\"}") == {"instance=flood": 1} and self.values("hits") == {},
                   "an answer after them")
        self.assertEqual(self.values("steady"), {"instance=flood": 7})
        self.assertEqual(self.values("worker_jobs"),
                         {"instance=worker,state=running": 1, "instance=worker,state=waiting": 3})
        self.assertIn("brings more series than max_series (1000) allows", self.agent.log())
        data = json.loads(self.agent.request("/api/v1/status/tsdb")[2])["data"]
        self.assertLess(data["headStats"]["numSeries"], 1200)
        if not SANITIZED:
            self.assertLess(self.pss_mib(), 80)


if __name__ == "__main__":
    unittest.main(verbosity=2)
