#!/usr/bin/env python3
"""What reading a log costs, beside `grep -c` and mtail (Debian's package), over the same file in the same run.

Each reads one access log of nginx from its beginning to its end: grep counts the lines of one pattern, mtail and sidewatch
take each line apart into requests by method and status, bytes sent, and a histogram of the time it took. The figures are
CPU time (user and system) of the whole process, less what the agent takes while it reads nothing.

    tests/bench/log_bench.py [--mebibytes 200] [--binary build/release/agent/sidewatch]
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness  # noqa: E402

LINES = 2000  # different ones
PATTERN = (r'^\S+ \S+ \S+ \[[^\]]+\] "(?P<method>[A-Z]+) [^"]*" (?P<status>\d{3}) (?P<bytes>\d+|-)'
           r'(?: "[^"]*" "[^"]*"(?: (?P<seconds>[\d.]+))?)?')
BUCKETS = "0.01, 0.1, 0.5, 1, 5"

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: 127.0.0.1:0}}
collectors:
  log:
    - name: nginx
      path: {path}
      from: beginning
      max_bytes: 4GiB
      max_time: 1m
      match: '{pattern}'
      metrics:
        - {{name: requests_total, labels: {{method: $method, status: $status}}}}
        - {{name: sent_bytes_total, value: $bytes}}
        - {{name: request_seconds, type: histogram, value: $seconds, buckets: [{buckets}]}}
"""

MTAIL = """
counter requests_total by method, status
counter sent_bytes_total
histogram request_seconds buckets {buckets}
/{pattern}/ {{
  requests_total[$method][$status]++
  sent_bytes_total += $bytes
  request_seconds = $seconds
}}
"""


def write_log(path, mebibytes):
    """Lines that are alike but not the same; returns how many there are."""
    block = "".join(
        f'10.0.{n % 7}.{n % 251} - - [21/Nov/2026:10:{n // 60 % 60:02}:{n % 60:02} +0000] '
        f'"{("GET", "POST", "PUT")[n % 3]} /cart/{n * 7919 % 100003}?id={n} HTTP/1.1" {(200, 200, 304, 404, 502)[n % 5]} '
        f'{n * 31 % 5000} "https://shop.example/list/{n % 97}" "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101" '
        f'0.{n * 17 % 1000:03}\n' for n in range(LINES)).encode()
    copies = max(1, (mebibytes << 20) // len(block))
    with open(path, "wb") as file:
        for _ in range(copies):
            file.write(block)
    return copies * LINES


def cpu_of(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done


def ticks_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_sidewatch(directory, path, lines):
    pattern = PATTERN.replace("'", "''")
    agent = harness.Agent(CONFIG.format(path=path, pattern=pattern, buckets=BUCKETS), directory)
    agent.start()
    try:
        harness.wait_until(lambda: agent.metrics().get('sidewatch_log_lines_total{log="nginx"}') == lines, "all lines", 600)
        cost = ticks_of(agent.process.pid)
        metrics = agent.metrics()
        counted = sum(value for name, value in metrics.items() if name.startswith("requests_total{"))
        assert counted == lines, (counted, lines)
        return cost
    finally:
        agent.stop()


def measure_mtail(directory, path, lines):
    program = os.path.join(directory, "nginx.mtail")
    with open(program, "w", encoding="ascii") as file:
        # Its groups have a type: a number where the pattern has nothing else.
        pattern = PATTERN.replace("/", "\\/").replace("\\d+|-", "\\d+").replace("[\\d.]+", "\\d+\\.\\d+")
        file.write(MTAIL.format(pattern=pattern, buckets=BUCKETS))
    cost, done = cpu_of(["mtail", "--one_shot", "--one_shot_format", "prometheus", "--logtostderr", "--progs", program,
                         "--logs", path])
    counted = sum(float(value) for value in re.findall(r"^requests_total\{.*\} (\S+)", done.stdout, re.M))
    assert counted == lines, (done.returncode, counted, lines, done.stderr[-500:])
    return cost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mebibytes", type=int, default=200)
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    options = parser.parse_args()
    harness.BINARY = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        path = os.path.join(directory, "access.log")
        lines = write_log(path, options.mebibytes)
        size = os.path.getsize(path) / (1 << 20)
        print(f"{lines} lines, {size:.0f} MiB")

        def tell(name, cost, note=""):
            print(f"{name:12} {cost:7.2f} s CPU  {1000 * cost / size:7.2f} ms/MiB  {lines / cost / 1e6:7.2f} million lines/s {note}")

        tell("grep -c", cpu_of(["grep", "-c", '" 502 ', path])[0], "(one fixed string)")
        tell("grep -cE", cpu_of(["grep", "-cE", r'^[^ ]+ .*" 5[0-9]{2} [0-9]+', path])[0], "(one pattern)")
        tell("sidewatch", measure_sidewatch(directory, path, lines))
        if shutil.which("mtail"):
            tell("mtail", measure_mtail(directory, path, lines))


if __name__ == "__main__":
    main()
