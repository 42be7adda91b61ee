#!/usr/bin/env python3
"""What scraping pages costs, beside Debian's Prometheus, which scrapes the same pages at the same time.

    tests/bench/scrape_bench.py [--targets 5] [--series 2000] [--seconds 30] [--binary build/release/agent/sidewatch]

A server on this machine serves pages like those of an HTTP service (histograms by route), whose values change from scrape
to scrape. Both scrape every page once a second, keep what they read on the disk and judge no rules. Reported: CPU per
sample, from the request to its place in the store, and PSS. What a sample costs is counted by the pages that each asked for.

Budget: half of Prometheus's CPU per sample. CPU is from /proc/PID/schedstat (nanoseconds).
"""

import argparse
import http.server
import os
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_process import Target, cpu_seconds, free_port, pss_kib  # noqa: E402

PROMETHEUS = "prometheus"
ROUNDS = 8  # pages that differ in their values


def page_of(series, number):
    lines = []
    for i in range(series):
        family = f"http_request_{i // 100}_duration_seconds"
        if i % 100 == 0:
            lines.append(f"# HELP {family} How long requests took.\n# TYPE {family} histogram")
        lines.append(f"{family}_bucket{{method=\"GET\",route=\"/cart/items/{i % 100 // 10}\",le=\"{i % 10}.5\"}} "
                     f"{i * 37 + number * 11}")
    return ("\n".join(lines) + "\n").encode()


class Pages(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, series):
        self.pages = [page_of(series, number) for number in range(ROUNDS)]
        self.asked = {}  # by who asks
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Page)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def asked_by(self, name):
        with self.lock:
            return self.asked.get(name, 0)


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # the head and the page go out together

    def do_GET(self):
        name = self.headers["User-Agent"].split("/")[0].lower()
        with self.server.lock:
            number = self.server.asked[name] = self.server.asked.get(name, 0) + 1
        body = self.server.pages[number % ROUNDS]
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def start_sidewatch(binary, directory, servers, series):
    port = free_port()
    with open(os.path.join(directory, "sidewatch.yaml"), "w", encoding="utf-8") as file:
        file.write(f"agent: {{interval: 1s, state_dir: state}}\nhttp: {{listen: 127.0.0.1:{port}}}\n"
                   "limits: {max_series: 500000, max_series_per_metric: 500000}\ncollectors:\n  scrape:\n")
        for number, server in enumerate(servers):
            file.write(f"    - {{job: app-{number}, url: \"http://127.0.0.1:{server.server_address[1]}/metrics\", "
                       f"max_series: {2 * series}, sample_limit: {2 * series}}}\n")
    return Target("sidewatch", [binary, "run", "--config", "sidewatch.yaml"], port, directory)


def start_prometheus(directory, servers):
    port = free_port()
    with open(os.path.join(directory, "prometheus.yml"), "w", encoding="utf-8") as file:
        file.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n")
        for number, server in enumerate(servers):
            file.write(f"- {{job_name: app-{number}, static_configs: "
                       f"[{{targets: ['127.0.0.1:{server.server_address[1]}']}}]}}\n")
    return Target("prometheus", [PROMETHEUS, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn",
                                 f"--web.listen-address=127.0.0.1:{port}"], port, directory)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=5)
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    options = parser.parse_args()
    servers = [Pages(options.series) for _ in range(options.targets)]
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        targets = []
        try:
            targets.append(start_sidewatch(os.path.abspath(options.binary), directory, servers, options.series))
            if shutil.which(PROMETHEUS):
                targets.append(start_prometheus(directory, servers))
            time.sleep(5)  # every page is known to both

            def samples(target):
                return options.series * sum(server.asked_by(target.name) for server in servers)

            before = [(cpu_seconds(target.pid), samples(target)) for target in targets]
            time.sleep(options.seconds)
            costs = []
            print(f"{options.targets} pages of {options.series} samples, scraped once a second for {options.seconds} s")
            for target, (cpu, taken) in zip(targets, before):
                cpu, taken = cpu_seconds(target.pid) - cpu, samples(target) - taken
                if taken < 0.8 * options.targets * options.series * options.seconds:
                    raise AssertionError(f"{target.name} asked for too few pages: {taken} samples")
                costs.append(cpu / taken)
                print(f"{target.name:12} {1e9 * cpu / taken:8.1f} ns per sample  {100 * cpu / options.seconds:6.2f} % of a core  "
                      f"PSS {pss_kib(target.pid) / 1024:6.1f} MiB")
            if len(costs) > 1:
                print(f"prometheus needs {costs[1] / costs[0]:.1f} times the CPU of sidewatch for a sample")
        finally:
            for target in targets:
                target.stop()
            for server in servers:
                server.shutdown()


if __name__ == "__main__":
    main()
