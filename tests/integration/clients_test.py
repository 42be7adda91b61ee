#!/usr/bin/env python3
"""What docs/clients.md tells services to do, done: its examples are taken from the page, run against a real agent, and what
they count is on /metrics. That in Go is run with a stand-in for its library, of which Debian has no package: that it
compiles, and what it asks for, is shown; what the library makes of it is not."""

import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import DEADLINE, Agent, temporary_directory, wait_until  # noqa: E402
from servers import free_port  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HEADERS = os.path.join(ROOT, "collectors", "application")
LIBRARIES = os.path.join(ROOT, "tests", "support", "npm", "node_modules")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-O2", "-I", HEADERS]

MANY = """
#include <thread>
#include <vector>
#include "sidewatch.hpp"

int main(int, char** arguments) {
  sidewatch::Client client(arguments[1]);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&client] {
      const sidewatch::Counter hits(client, "many.hits", {{"from", "threads"}});
      for (int n = 0; n < 25000; ++n) {
        hits.add();
        if (n % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  client.flush();
  std::printf("%llu %llu", static_cast<unsigned long long>(client.sent()), static_cast<unsigned long long>(client.dropped()));
}
"""


# What surrounds the example in a service.
GO_PROGRAM = """package main

import (
	"log"
	"time"

	"github.com/DataDog/datadog-go/v5/statsd"
)

func main() {
%s}
"""

# The part of the interface of github.com/DataDog/datadog-go/v5/statsd that the example uses; each call is a datagram.
GO_LIBRARY = """package statsd

import (
	"fmt"
	"net"
	"strings"
	"time"
)

type Options struct{ namespace string }
type Option func(*Options) error
type Parameter interface{}

func WithNamespace(namespace string) Option {
	return func(o *Options) error {
		o.namespace = namespace
		return nil
	}
}

type Client struct {
	options Options
	to      net.Conn
}

func New(addr string, options ...Option) (*Client, error) {
	client := &Client{}
	for _, option := range options {
		if err := option(&client.options); err != nil {
			return nil, err
		}
	}
	var err error
	client.to, err = net.Dial("udp", addr)
	return client, err
}

func (c *Client) send(name, value string, tags []string) error {
	line := c.options.namespace + name + ":" + value
	if len(tags) > 0 {
		line += "|#" + strings.Join(tags, ",")
	}
	_, err := c.to.Write([]byte(line))
	return err
}

func (c *Client) Incr(name string, tags []string, rate float64, parameters ...Parameter) error {
	return c.send(name, "1|c", tags)
}

func (c *Client) Gauge(name string, value float64, tags []string, rate float64, parameters ...Parameter) error {
	return c.send(name, fmt.Sprint(value)+"|g", tags)
}

func (c *Client) Timing(name string, value time.Duration, tags []string, rate float64, parameters ...Parameter) error {
	return c.send(name, fmt.Sprintf("%f|ms", value.Seconds()*1000), tags)
}

func (c *Client) Close() error { return c.to.Close() }
"""


def example(language):
    with open(os.path.join(ROOT, "docs", "clients.md"), encoding="utf-8") as file:
        found = re.findall(rf"^```{language}\n(.*?)^```", file.read(), re.S | re.M)
    if len(found) != 1:
        raise AssertionError(f"docs/clients.md has {len(found)} examples in {language}")
    return found[0]


class Clients(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.port = free_port()
        self.socket = os.path.join(self.directory.name, "app.sock")
        self.agent = Agent(f"""
agent: {{interval: 200ms}}
http: {{listen: 127.0.0.1:0}}
collectors: {{statsd: {{listen: ["udp://127.0.0.1:{self.port}", "unixgram://{self.socket}"]}}}}
""", self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()
        wait_until(lambda: self.page().matching("sidewatch_statsd_lines_total"), "the collector's first pass")

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def file(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("8125", str(self.port)))
        return path

    def run_program(self, *command, environment=None, deadline=DEADLINE):
        done = subprocess.run(command, capture_output=True, text=True, timeout=deadline, check=False,
                              cwd=self.directory.name, env={**os.environ, **(environment or {})})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def compiled(self, compiler, source, *options):
        program = os.path.join(self.directory.name, "program")
        self.run_program(compiler, *options, *STRICT, source, "-o", program)
        return program

    def expect_what_the_examples_count(self, tagged=True, took=None):
        kind, route = ({"kind": "web"}, {"route": "/cart"}) if tagged else ({}, {})
        wait_until(lambda: self.page().matching("shop_orders", **kind) == [1], "the counter")
        wait_until(lambda: self.page().matching("shop_took_count", **route) == [1], "the timer")
        page = self.page()
        self.assertEqual(page.matching("shop_waiting"), [12])
        if took is not None:
            self.assertAlmostEqual(page.matching("shop_took_sum", **route)[0], took)
        self.assertEqual(sum(page.matching("sidewatch_statsd_line_errors_total")), 0)

    def test_c(self):
        program = self.compiled("gcc", self.file("example.c", example("c")), "-std=c11")
        self.run_program(program)
        self.expect_what_the_examples_count()

    def test_cpp(self):
        program = self.compiled("g++", self.file("example.cpp", example("cpp")), "-std=c++17", "-pthread")
        self.run_program(program)
        self.expect_what_the_examples_count()

    def test_cpp_from_many_threads_over_both_transports_and_every_line_is_counted(self):
        program = self.compiled("g++", self.file("many.cpp", MANY), "-std=c++17", "-pthread")
        for address in (f"unixgram://{self.socket}", f"udp://127.0.0.1:{self.port}"):
            before = sum(self.page().matching("many_hits"))
            sent, dropped = map(int, self.run_program(program, address).split())
            self.assertEqual(sent + dropped, 100_000)
            self.assertGreater(sent, 0)
            lost = lambda: sum(self.page().matching("sidewatch_statsd_packets_dropped_total"))  # noqa: E731
            if lost() == 0:  # by the kernel, which says how many datagrams and not how many lines
                wait_until(lambda: sum(self.page().matching("many_hits", **{"from": "threads"})) - before == sent, "all lines")

    def test_python(self):
        self.run_program("/usr/bin/python3", self.file("example.py", example("python")))
        self.expect_what_the_examples_count(tagged=False, took=0.32)

    def test_node(self):
        self.assertTrue(os.path.isdir(os.path.join(LIBRARIES, "hot-shots")), "scripts/setup --tests installs it")
        self.run_program("node", self.file("example.js", example("js")), environment={"NODE_PATH": LIBRARIES})
        self.expect_what_the_examples_count(took=0.32)

    def test_node_with_everything_that_its_library_can_send(self):
        self.run_program("node", self.file("all.js", """
const StatsD = require('hot-shots');
const client = new StatsD({host: '127.0.0.1', port: 8125, globalTags: {env: 'test'}});
const left = [];
const wait = call => left.push(new Promise((done, failed) => call(error => error ? failed(error) : done())));
wait(done => client.increment(['a.hits', 'b.hits'], 2, done));
wait(done => client.decrement('a.depth', 1, done));
wait(done => client.histogram('a.size', 512, {unit: 'bytes'}, done));
wait(done => client.distribution('a.weight', 7, done));
wait(done => client.gauge('a.level', -3.5, done));
wait(done => client.gaugeDelta('a.level', 1, done));
wait(done => client.unique('a.users', 'anna', done));
wait(done => client.set('a.users', 'bert', done));
wait(done => client.timing('a.took', 1500, done));
wait(done => client.timing('a.started', new Date(Date.now() - 2000), done));
wait(done => client.event('Disk died', 'it\\nreally did', {alert_type: 'error'}, done));
wait(done => client.check('db', client.CHECKS.CRITICAL, {message: 'no route to host'}, done));
Promise.all(left).then(() => client.close());
"""), environment={"NODE_PATH": LIBRARIES})
        env = {"env": "test"}
        wait_until(lambda: self.page().matching("sidewatch_statsd_service_check_status", **env) == [2], "the last line")
        page = self.page()
        self.assertEqual(page.matching("a_hits", **env) + page.matching("b_hits", **env), [2, 2])
        self.assertEqual(page.matching("a_size_sum", unit="bytes", **env), [512])
        self.assertEqual(page.matching("a_weight_count", **env), [1])
        self.assertEqual(page.matching("a_users", **env), [2])
        self.assertEqual(page.matching("a_took_sum", **env), [1.5])
        self.assertAlmostEqual(page.matching("a_started_sum", **env)[0], 2, delta=1)
        self.assertEqual(page.matching("sidewatch_statsd_events_total", type="error"), [1])
        errors = {labels["reason"]: page.value("sidewatch_statsd_line_errors_total", **labels)
                  for labels in map(dict, page.label_sets("sidewatch_statsd_line_errors_total"))}
        self.assertEqual({reason for reason, count in errors.items() if count > 0}, {"negative_counter"})  # decrement

    def test_go(self):
        library = os.path.join(self.directory.name, "go", "src", "github.com", "DataDog", "datadog-go", "v5", "statsd")
        os.makedirs(library)
        with open(os.path.join(library, "statsd.go"), "w", encoding="utf-8") as file:
            file.write(GO_LIBRARY)
        indented = "".join("\t" + line for line in example("go").splitlines(keepends=True))
        program = self.file("example.go", GO_PROGRAM % indented)
        offline = {"GO111MODULE": "off", "GOFLAGS": "", "GOPROXY": "off", "CGO_ENABLED": "0",
                   "GOPATH": self.directory.name + "/go", "GOCACHE": self.directory.name + "/cache"}
        self.run_program("go", "vet", program, environment=offline, deadline=120)
        self.assertEqual(self.run_program("gofmt", "-l", program), "", "the example is not written as gofmt does it")
        self.run_program("go", "run", program, environment=offline, deadline=120)
        self.expect_what_the_examples_count(took=0.32)

    def test_shell(self):
        self.run_program(shutil.which("bash"), self.file("example.sh", example("bash")))
        self.expect_what_the_examples_count(took=0.32)


if __name__ == "__main__":
    unittest.main()
