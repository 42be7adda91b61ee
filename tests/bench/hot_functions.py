#!/usr/bin/env python3
"""Writes cmake/hot_functions.txt: the functions that a running agent calls again and again.

    tests/bench/hot_functions.py [--binary build/release/agent/sidewatch]

The kernel maps a program's code in pieces of 64 KiB around each function that is called. The linker puts the functions
of this list side by side, so that few pieces are needed; a function that is missing in it, or no more there, costs
nothing but its place. So the list need not follow every change: make it anew when tests/bench/budgets.py says that
memory has grown. Watches the release binary under valgrind's callgrind for half a minute, after it has started: it
samples, judges, tells of an alert that comes and goes, and is scraped.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from whole_process import RULES, free_port

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Receiver  # noqa: E402

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cmake", "hot_functions.txt")
START_S = 20   # under valgrind everything takes fifty times as long
WATCHED_S = 30

CONFIG = """
agent: {{interval: 1s, state_dir: state}}
http: {{listen: 127.0.0.1:{port}}}
collectors:
  host: {{}}
  process: [{{name: self, match: {{pid: self}}}}]
receivers:
  - {{name: hook, webhook: {{url: '{url}'}}}}
""" + RULES.replace("{", "{{").replace("}", "}}") + """
  - {{alert: OnAndOff, expr: node_time_seconds % 10, warning: {{above: 5}}, cooldown: 0s}}
"""


def scrape(port, *headers):
    command = ["curl", "--silent", "--max-time", "10", "--output", "/dev/null", f"http://127.0.0.1:{port}/metrics"]
    for header in headers:
        command += ["--header", header]
    subprocess.run(command, check=True)


def control(directory, *arguments):
    subprocess.run(["callgrind_control", *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL)


def functions(path, binary):
    """Names in callgrind's file of what ran in the binary: `ob=(1) file`, `fn=(7) name`, later only `fn=(7)`."""
    names, ours, found = {"ob": {}, "fn": {}}, False, set()
    with open(path) as file:
        for line in file:
            match = re.match(r"(c?)(ob|fn)=\((\d+)\)(?: (.*))?$", line)
            if not match:
                continue
            called, kind, number, name = match.groups()
            if name:
                names[kind][number] = name
            if called:
                continue
            if kind == "ob":
                ours = names["ob"][number] == binary
            elif ours:
                found.add(re.sub(r"'\d+$", "", names["fn"][number]))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    binary = os.path.realpath(parser.parse_args().binary)
    if not shutil.which("valgrind"):
        sys.exit("this needs valgrind: apt-get install valgrind")
    with tempfile.TemporaryDirectory(prefix="sidewatch-hot-") as directory:
        port = free_port()
        receiver = Receiver()
        with open(os.path.join(directory, "sidewatch.yaml"), "w") as file:
            file.write(CONFIG.format(port=port, url=receiver.url))
        agent = subprocess.Popen(["valgrind", "--tool=callgrind", "--instr-atstart=no", "--demangle=no",
                                  "--callgrind-out-file=calls", binary, "run", "--config", "sidewatch.yaml"], cwd=directory,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(START_S)
            scrape(port)
            control(directory, "--instr=on", str(agent.pid))
            until = time.monotonic() + WATCHED_S
            while time.monotonic() < until:
                scrape(port)
                scrape(port, "Accept-Encoding: gzip", "Accept: application/openmetrics-text")
                time.sleep(1)
            control(directory, "--dump", str(agent.pid))
        finally:
            agent.terminate()
            agent.wait(timeout=60)
            receiver.stop()
        found = functions(os.path.join(directory, "calls.1"), binary)
    if len(found) < 100:
        sys.exit(f"only {len(found)} functions were seen: was the agent up after {START_S} s?")
    with open(LIST, "w") as file:
        file.write("".join(f".text.{name}\n" for name in sorted(found) if not name.startswith(("0x", "("))))
    print(f"{len(found)} functions, in {os.path.relpath(LIST)}")


if __name__ == "__main__":
    main()
