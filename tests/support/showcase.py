"""A small shop with everything that the dashboards show: databases of each kind with clients that work, and replicas of
theirs; a page of the application, checks, jobs, a container made of files, rules that fire, a receiver that takes messages
and one that does not.

What is real is real (servers, host, processes). The container is a tree of files as the kernel writes them, so that
there are limits, throttling and pressure on every machine; a thread lets its counters grow.
"""

import http.server
import os
import shutil
import socket
import subprocess
import threading
import time

from harness import Agent, Receiver, wait_until
from memcached import Memcached
from mysql import GRANTS, MariaDb
from postgresql import PROGRAMS, Postgresql
from redis import Redis, Sentinel
from sqlite import Service

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CONTAINER = os.path.join(ROOT, "tests", "cases", "container", "v2-service-of-the-host")
ROUND_S = 0.1  # between two rounds of what its clients do

CONFIG = """
agent: {{interval: 500ms, state_dir: "{directory}/state", labels: {{service: shop}}}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{}}
  process:
    - {{name: sidewatch, match: {{pid: self}}}}
    - {{name: postgres, match: {{cmdline: "{directory}/pg"}}}}
    - {{name: redis, match: {{comm: redis-server}}}}
  container:
    roots: {{procfs: "{directory}/machine/proc", sysfs: "{directory}/machine/sys", cgroupfs: "{directory}/machine/cgroup"}}
    targets:
      - {{name: checkout, process: {{comm: checkout}}, network: true, limits: {{memory: 256Mi}}}}
  postgresql:
    - name: main
      dsn: host=127.0.0.1 port={postgresql} dbname=postgres user=postgres
      tables: {{every: 5s, bloat: true}}
      statements: {{every: 5s, text: true}}
      buffercache: true
    - {{name: gone, dsn: "host=127.0.0.1 port=9 dbname=postgres user=postgres connect_timeout=1", timeout: 400ms}}
  mysql:
    - name: orders
      address: "127.0.0.1:{mysql}"
      user: sidewatch
      password: first
      tables: {{every: 5s}}
    - {{name: replica, address: "127.0.0.1:{mysql_replica}", user: sidewatch, password: first}}
    - {{name: gone, address: "127.0.0.1:9", user: sidewatch, timeout: 400ms}}
  redis:
    - {{name: cache, address: "127.0.0.1:{redis}"}}
    - {{name: alone, address: "127.0.0.1:{replica}"}}
    - {{name: sentinel, address: "127.0.0.1:{sentinel}"}}
  memcached: [{{name: sessions, address: "127.0.0.1:{memcached}"}}]
  sqlite: [{{name: app, path: "{directory}/app.db", tables: [orders], integrity: {{every: 1m}}}}]
  scrape: [{{job: checkout, url: "http://127.0.0.1:{page}/metrics", interval: 500ms}}]
  statsd: {{listen: ["udp://127.0.0.1:{statsd}"]}}
  probe:
    - {{name: front, interval: 1s, timeout: 900ms, http: {{url: "http://127.0.0.1:{page}/health"}}}}
    - {{name: gone, interval: 1s, timeout: 900ms, tcp: {{address: "127.0.0.1:9"}}}}
    - {{name: certificate, interval: 1s, timeout: 900ms, certificate: {{files: ["{directory}/server.crt"], min_life: 1h}}}}
  heartbeat: [{{name: backup, every: 1h, grace: 1m}}]
  exec: [{{name: disk, interval: 1s, command: ["/bin/sh", "-c", "echo 'OK | free=42%;20;10'"]}}]
shipped_rules: [host, process, container, postgresql, mysql, redis, memcached, sqlite, probe, exec, heartbeat, statsd, red]
rule_changes:
  - {{alert: ProbeFailing, for: 0s}}
rules:
  - {{alert: OrdersWaiting, expr: shop_orders_waiting, warning: "> 1", critical: "> 1000", summary: "{{{{ $value }}}} wait"}}
  - {{alert: OrdersMany, expr: shop_orders_waiting, warning: "> 2", for: 1h, summary: "{{{{ $value }}}} wait"}}
  - {{alert: Flapping, expr: shop_flapping, warning: "> 0", cooldown: 1h, summary: "{{{{ $value }}}}"}}
rule_files: ["{directory}/prometheus-rules.yaml"]
receivers:
  - {{name: oncall, webhook: {{url: "{url}"}}}}
  - {{name: broken, webhook: {{url: "{broken}"}}}}
"""

# As Prometheus has them: no levels, and the alert is there for as long as there is a value.
RULES = """
groups:
  - name: shop
    rules: [{alert: OrdersAsInPrometheus, expr: shop_orders_waiting > 1}]
"""

TABLES = ["CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pg_buffercache",
          "CREATE TABLE orders AS SELECT g AS id, 'open'::text AS status FROM generate_series(1, 2000) g",
          "CREATE INDEX orders_id ON orders(id)", "CREATE INDEX orders_status ON orders(status)", "ANALYZE"]

# The agent takes the PIDs of a cgroup for those of this procfs only where it finds itself there.
FINDS_ITSELF = ["sh", "-c", 'ln -sfn $$ "$0" && exec "$@"']


class Page(http.server.BaseHTTPRequestHandler):
    """The application's own /metrics; everything else is well."""

    protocol_version = "HTTP/1.1"
    rounds = 0

    def do_GET(self):
        rounds = type(self).rounds
        body = "well\n" if self.path != "/metrics" else (
            "# TYPE shop_orders_waiting gauge\nshop_orders_waiting 5\n"
            f"# TYPE shop_flapping gauge\nshop_flapping {int(time.monotonic()) % 4 // 2}\n"
            f"# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\"}} {rounds * 9}\n"
            f"http_requests_total{{code=\"500\"}} {rounds}\n"
            "# TYPE http_request_duration_seconds histogram\n" + "".join(
                f"http_request_duration_seconds_bucket{{le=\"{le}\"}} {rounds * n}\n"
                for le, n in (("0.1", 5), ("1", 9), ("+Inf", 10))) +
            f"http_request_duration_seconds_sum {rounds * 3}\nhttp_request_duration_seconds_count {rounds * 10}\n"
            "nodejs_eventloop_lag_p99_seconds 0.01\nnodejs_heap_size_used_bytes 1e7\nnodejs_heap_size_total_bytes 2e7\n"
            "nodejs_active_resources_total 3\n")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


class Container:
    """The container of files. What stands in `GROWING` rises with each round, everything else stays."""

    GROWING = {"cpu.stat": ("usage_usec", "user_usec", "system_usec", "nr_periods", "nr_throttled", "throttled_usec"),
               "memory.stat": ("pgfault", "pgmajfault")}

    def __init__(self, directory):
        self.directory = directory
        for part in ("proc", "sys", "cgroup"):
            shutil.copytree(os.path.join(CONTAINER, part), os.path.join(directory, part), symlinks=True)
        self.group = os.path.join(directory, "cgroup", "shop.slice", "checkout.service")
        self.network = os.path.join(directory, "proc", "500", "net")
        os.makedirs(self.network, exist_ok=True)
        self.first = {}
        for name in os.listdir(self.group):
            with open(os.path.join(self.group, name), encoding="utf-8") as file:
                self.first[name] = file.read()
        self.grow(1)

    def grow(self, rounds):
        for name, growing in self.GROWING.items():
            lines = [line.split() for line in self.first[name].splitlines()]
            self.write(name, "".join(f"{key} {int(value) + (rounds * 1000 if key in growing else 0)}\n"
                                     for key, value in lines))
        for name in ("cpu.pressure", "io.pressure", "memory.pressure"):
            self.write(name, "".join(line.rsplit("=", 1)[0] + f"={int(line.rsplit('=', 1)[1]) + rounds * 500}\n"
                                     for line in self.first[name].splitlines()))
        self.write("io.stat",
                   f"259:0 rbytes={4096 * (1000 + rounds)} wbytes={8192 * (1000 + rounds)} rios={100 + rounds} "
                   f"wios={200 + rounds} dbytes=0 dios=0\n" + self.first["io.stat"].split("\n", 1)[1])
        self.overwrite(os.path.join(self.network, "dev"), "Inter-|   Receive |  Transmit\n face |bytes\n  eth0: "
                       + " ".join(str(n) for n in (rounds * 1000, rounds, 0, 0, 0, 0, 0, 0, rounds * 2000, rounds, 0, 0,
                                                   0, 0, 0, 0)) + "\n")

    def write(self, name, text):
        self.overwrite(os.path.join(self.group, name), text)

    @staticmethod
    def overwrite(path, text):
        """In one write, as a reader keeps the file open; it never becomes shorter, as its numbers only grow."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(file, text.encode(), 0)
        finally:
            os.close(file)


class Shop:
    """Everything is started by the constructor's end, or stopped again; `agent` is the agent."""

    def __init__(self, directory):
        self.directory = directory
        self.cleanups = []
        self.rounds = 0
        self.over = threading.Event()
        try:
            self.open()
        except BaseException:
            self.close()
            raise

    def start(self, server):
        self.cleanups.append(server.stop)
        return server.start()

    def open(self):
        os.chmod(self.directory, 0o711)
        self.container = Container(os.path.join(self.directory, "machine"))
        self.make_certificate()
        self.postgresql = self.start(Postgresql(os.path.join(self.directory, "pg")).make())
        self.postgresql.psql(TABLES)
        self.start(self.standby())
        self.start_mysql()
        self.redis = self.start(Redis(os.path.join(self.directory, "redis"),
                                      {"maxmemory": "64mb", "maxmemory-policy": "noeviction", "save": ["60", "1"]}))
        self.replica = self.start(Redis(os.path.join(self.directory, "replica"), {"replicaof": ["127.0.0.1", "9"]}))
        self.sentinel = self.start(Sentinel(os.path.join(self.directory, "sentinel"), self.redis))
        self.memcached = self.start(Memcached(os.path.join(self.directory, "memcached")))
        self.sqlite = Service(os.path.join(self.directory, "app.db"), rows=100)
        self.cleanups.append(self.sqlite.stop)
        self.page = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.page.daemon_threads = True
        threading.Thread(target=self.page.serve_forever, args=(0.05,), daemon=True).start()
        self.cleanups.append(self.page.server_close)
        self.cleanups.append(self.page.shutdown)
        self.receiver = Receiver()
        self.broken = Receiver(lambda number: (500, 400)[number % 2])
        self.cleanups += [self.receiver.stop, self.broken.stop]
        with open(os.path.join(self.directory, "prometheus-rules.yaml"), "w", encoding="utf-8") as file:
            file.write(RULES)
        self.agent = Agent(self.config(), self.directory,
                           wrapper=[*FINDS_ITSELF, f"{self.directory}/machine/proc/self"])
        self.cleanups.append(self.agent.stop)
        self.agent.start()
        self.clients = threading.Thread(target=self.work, daemon=True)
        self.clients.start()
        self.cleanups.append(self.stop_work)

    def start_mysql(self):
        """A primary, and a replica that begins as its copy."""
        primary, replica = os.path.join(self.directory, "my"), os.path.join(self.directory, "my2")
        self.mysql = MariaDb(primary, "--long-query-time=0.01", "--slow-query-log=1", "--server-id=1",
                             "--log-bin=binlog")
        os.mkdir(replica)
        subprocess.run(["cp", "-a", self.mysql.data, replica], check=True, timeout=60)
        self.start(self.mysql)
        self.mysql.sql(GRANTS + """
            CREATE USER replica@'127.0.0.1' IDENTIFIED BY 'second';
            GRANT REPLICATION SLAVE ON *.* TO replica@'127.0.0.1';
            CREATE DATABASE shop; CREATE TABLE shop.orders(id INT AUTO_INCREMENT PRIMARY KEY, n INT);""")
        self.mysql_replica = self.start(MariaDb(replica, "--server-id=2"))
        source = f"MASTER_HOST='127.0.0.1', MASTER_PORT={self.mysql.port}, MASTER_USER='replica', MASTER_PASSWORD='second'"
        self.mysql_replica.sql(f"CHANGE MASTER TO {source}, MASTER_USE_GTID=slave_pos; START SLAVE")

    def standby(self):
        standby = Postgresql(os.path.join(self.directory, "standby"))
        standby.run([f"{PROGRAMS}/pg_basebackup", "-h", self.postgresql.directory, "-p", str(self.postgresql.port),
                     "-U", "postgres", "-D", standby.data, "-R", "-C", "-S", "to_standby", "-c", "fast", "--no-sync"],
                    check=True, capture_output=True)
        return standby

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "30", "-subj", "/CN=shop.example", "-keyout", f"{self.directory}/server.key",
                        "-out", f"{self.directory}/server.crt"], check=True, capture_output=True, timeout=60)

    def config(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.statsd = probe.getsockname()[1]
        return CONFIG.format(directory=self.directory, postgresql=self.postgresql.port, mysql=self.mysql.port,
                             mysql_replica=self.mysql_replica.port,
                             redis=self.redis.port, replica=self.replica.port, sentinel=self.sentinel.port,
                             memcached=self.memcached.port, page=self.page.server_address[1], statsd=self.statsd,
                             url=self.receiver.url, broken=self.broken.url)

    def work(self):
        """What its clients do, over connections that stay; from the end of one round to the next is ROUND_S."""
        postgresql, mysql = self.postgresql.session(), self.mysql.session()
        redis, memcached = self.redis.connect(), self.memcached.connect()
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            while not self.over.wait(ROUND_S):
                self.rounds += 1
                self.one_round(self.rounds, postgresql, mysql, redis, memcached, sender)
        finally:
            for client in (postgresql, mysql, redis, memcached, sender):
                client.close()

    def one_round(self, number, postgresql, mysql, redis, memcached, sender):
        Page.rounds = number
        self.container.grow(number)
        postgresql.run(f"INSERT INTO orders VALUES ({number}, 'open'); UPDATE orders SET status = 'sent' WHERE id = {number}; "
                       "SELECT count(*) FROM orders")
        mysql.sql(f"INSERT INTO shop.orders(n) VALUES ({number}); UPDATE shop.orders SET n = n + 1 WHERE id = {number}; "
                  "SELECT SLEEP(0.011), n FROM shop.orders ORDER BY n LIMIT 1")
        redis.ask("SET", f"key{number}", "x" * 100, "EX", 100)
        redis.ask("GET", f"key{number}")
        redis.ask("GET", "nothing")
        memcached.set(f"key{number}", "x" * 100)
        memcached.get(f"key{number}")
        memcached.get("nothing")
        self.sqlite.sql(f"INSERT INTO orders(status, amount) VALUES('open', {number})")
        sender.sendto(b"shop.orders:1|c\nhttp.requests:1|c|#status:200\nhttp.request.duration:12|ms\nbroken",
                      ("127.0.0.1", self.statsd))
        if number % 10 == 1:
            self.agent.request("/ping/backup/start")
            self.agent.request("/ping/backup")

    def stop_work(self):
        self.over.set()
        self.clients.join(30)

    def wait_until_busy(self):
        """Until there is enough of a past for every rate."""
        wait_until(lambda: self.rounds > 60 or not self.clients.is_alive(), "the shop to do business", deadline=120)
        if not self.clients.is_alive():
            raise AssertionError("the clients of the shop ended; the agent's log:\n" + self.agent.log()[-3000:])

    def close(self):
        for cleanup in reversed(self.cleanups):
            cleanup()
        self.cleanups = []
