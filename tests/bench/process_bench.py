#!/usr/bin/env python3
"""What watching 3 of 5 000 processes costs, beside process-exporter in the same run.

    tests/bench/process_bench.py [--processes 5000] [--forks 10] [--seconds 20] [--binary build/release/agent/sidewatch]

Both look at the machine once a second: sidewatch by its interval, process-exporter when it is scraped (sidewatch is
scraped as often). First with nothing that begins or ends but what this machine does by itself, then with --forks
processes a second that begin and end, and a tenth of them beginning for good. Reported: CPU per pass, PSS, and for
sidewatch also what the same passes cost on a machine without the 5 000.

Cost should follow what changed and what is watched, not how many processes there are. The exporter runs without its
threads and smaps, which sidewatch does not collect unasked either. CPU is from /proc/PID/schedstat (nanoseconds).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_process import Target, cpu_seconds, free_port, pss_kib  # noqa: E402

EXPORTER = "prometheus-process-exporter"

# Names itself and waits; as small as a process can be, so that 5 000 of them fit.
SLEEPER = r"""
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int count, char** arguments) {
  const int children = atoi(arguments[1]);
  if (count > 2) prctl(PR_SET_NAME, arguments[2]);
  for (int i = 1; i < children; ++i) {
    if (fork() == 0) break;
  }
  for (;;) pause();
}
"""


class Sleepers:
    def __init__(self, program, count, name):
        self.process = subprocess.Popen([program, str(count), name], start_new_session=True)

    def stop(self):
        os.killpg(self.process.pid, 9)
        self.process.wait()


def start_sidewatch(binary, directory):
    port = free_port()
    with open(os.path.join(directory, "sidewatch.yaml"), "w") as file:
        file.write("agent: {interval: 1s}\n"
                   f"http: {{listen: 127.0.0.1:{port}}}\n"
                   "collectors:\n  process: [{name: watched, match: {comm: watched}}]\n")
    return Target("sidewatch", [binary, "run", "--config", "sidewatch.yaml"], port, directory)


def start_exporter(directory):
    port = free_port()
    with open(os.path.join(directory, "exporter.yml"), "w") as file:
        file.write("process_names:\n  - {name: watched, comm: [watched]}\n")
    return Target("process-exporter", [EXPORTER, f"-web.listen-address=127.0.0.1:{port}", "-config.path=exporter.yml",
                                       "-threads=false", "-gather-smaps=false"], port, directory)


def watched(target):
    line = next((line for line in target.scrape().splitlines()
                 if line.startswith(b'namedprocess_namegroup_num_procs{groupname="watched"}')), b" 0")
    return float(line.split()[-1])


def measure(targets, seconds, forks, sleeper):
    """CPU milliseconds per pass of each."""
    for target in targets:
        target.scrape()
    lasting = []
    before = [cpu_seconds(target.pid) for target in targets]
    began = time.monotonic()
    passes = 0
    while time.monotonic() - began < seconds:
        due = began + passes + 1
        for fork in range(forks):
            if fork % 10 == 9:
                lasting.append(Sleepers(sleeper, 1, "idle"))
            else:
                subprocess.run(["/bin/true"], check=True)
        for target in targets:
            target.scrape()
        passes += 1
        time.sleep(max(0.0, due - time.monotonic()))
    after = [cpu_seconds(target.pid) for target in targets]
    for process in lasting:
        process.stop()
    return [(b - a) / passes * 1000 for a, b in zip(before, after)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=5000)
    parser.add_argument("--forks", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    parser.add_argument("--json", help="also write the figures to this file")
    arguments = parser.parse_args()
    if shutil.which(EXPORTER) is None:
        sys.exit(EXPORTER + " is not installed")
    figures = {}
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        sleeper = os.path.join(directory, "sleeper")
        subprocess.run(["cc", "-O1", "-static", "-o", sleeper, "-x", "c", "-"], input=SLEEPER, text=True, check=True)
        started = [Sleepers(sleeper, 3, "watched")]
        try:
            targets = [start_sidewatch(os.path.abspath(arguments.binary), directory)]
            time.sleep(12)  # until what is young has grown old
            alone = [measure(targets, arguments.seconds, forks, sleeper) for forks in (0, arguments.forks)]
            started.append(Sleepers(sleeper, arguments.processes, "idle"))
            time.sleep(2)
            targets.append(start_exporter(directory))
            time.sleep(12)
            total = sum(1 for name in os.listdir("/proc") if name.isdigit())
            print(f"{total} processes, 3 watched, a pass a second; CPU ms per pass, PSS MiB")
            print(f"  {'':18}{'quiet':>10}{f'{arguments.forks} forks/s':>14}{'PSS':>8}{'seen':>6}")
            many = [measure(targets, arguments.seconds, forks, sleeper) for forks in (0, arguments.forks)]
            for i, target in enumerate(targets):
                figures[target.name] = {"quiet_ms": many[0][i], "forks_ms": many[1][i],
                                        "pss_mib": pss_kib(target.pid) / 1024, "seen": watched(target)}
                f = figures[target.name]
                print(f"  {target.name:18}{f['quiet_ms']:10.3f}{f['forks_ms']:14.3f}"
                      f"{f['pss_mib']:8.1f}{f['seen']:6.0f}")
            figures["without"] = {"quiet_ms": alone[0][0], "forks_ms": alone[1][0]}
            print(f"  {'ours without them':18}{alone[0][0]:10.3f}{alone[1][0]:14.3f}")
            ours, theirs = figures["sidewatch"], figures["process-exporter"]
            print(f"  process-exporter / sidewatch: quiet {theirs['quiet_ms'] / ours['quiet_ms']:.0f}, "
                  f"with forks {theirs['forks_ms'] / ours['forks_ms']:.0f}")
            for target in targets:
                target.stop()
        finally:
            for process in started:
                process.stop()
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
