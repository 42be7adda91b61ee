"""The recipes of docs/recipes, followed: the configuration is the file that it names, the snippets run under node
beside a real agent with that configuration, every query that a recipe shows and every rule that it brings has a value,
and one of the troubles that it promises to tell is told. The agent runs without any right and as another user than the
services, as the package installs it: what a recipe does not see then, its reader would not see either.

Only what a test cannot have is put in the place of what is written: ports, units, foreign hosts, half minutes.
"""

import glob
import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import unittest
import urllib.parse

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Receiver, wait_until  # noqa: E402
from other_user import OtherUser  # noqa: E402
from postgresql import Postgresql  # noqa: E402
from servers import free_port  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LIBRARIES = os.path.join(ROOT, "tests", "support", "npm", "node_modules")
NAMES = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(ROOT, "docs", "recipes", "*.md")))

BOT = """
const { counted, watch } = require('./sidewatch.js');
watch({ isReady: () => true, guilds: { cache: { size: 3 } }, ws: { ping: 42 } });
const play = counted('play', async (fails) => { if (fails) throw new Error('no'); return 7; });
setInterval(async () => {
  if (await play(false) !== 7) process.exit(1);
  await play(true).then(() => process.exit(1), () => {});
}, 20);
"""

# A server that answers the handshake of each client, and has the events and the set of clients that `ws` has.
CHAT = """
const { EventEmitter } = require('node:events');
const { watch } = require('./sidewatch.js');
const server = Object.assign(new EventEmitter(), { clients: new Set() });
watch(server);
for (let i = 0; i < 100; ++i) {
  const socket = Object.assign(new EventEmitter(), { bufferedAmount: 10 });
  server.clients.add(socket);
  server.emit('connection', socket);
}
setInterval(() => { for (const socket of server.clients) socket.emit('message', Buffer.from('x'), false); }, 50);
setInterval(() => new EventEmitter().emit('close'), 50);
const left = Object.assign(new EventEmitter(), { bufferedAmount: 0 });
server.emit('connection', left);
setInterval(() => left.emit('close', 1006), 50);
process.on('SIGUSR2', () => { for (const socket of [...server.clients].slice(5)) server.clients.delete(socket); });
require('node:http').createServer().on('upgrade', (request, socket) => {
  socket.end('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n');
}).listen(8080, '127.0.0.1');
"""

# As much of Express as the snippet uses, and a pool that answers.
API = """
const http = require('node:http');
const routes = new Map(), before = [];
const app = { use: (one) => before.push(one), get: (path, answer) => routes.set(path, answer) };
const pool = { waitingCount: 0, query: async () => ({ rows: [] }) };
SNIPPET
app.get('/orders/:id', (request, response) => { response.statusCode = request.url.endsWith('/0') ? 500 : 200; response.end('{}'); });
http.createServer((request, response) => {
  const path = request.url.startsWith('/orders/') ? '/orders/:id' : request.url;
  request.route = { path };
  before[0](request, response, () => routes.get(path)(request, response));
}).listen(3000, '127.0.0.1', () => setInterval(() => {
  for (const id of [0, 1, 2, 3]) http.get(`http://127.0.0.1:3000/orders/${id}`, (answer) => answer.resume());
}, 20));
"""


def page(name):
    with open(os.path.join(ROOT, "docs", "recipes", name + ".md"), encoding="utf-8") as file:
        return file.read()


def block(name, language):
    return re.search(rf"^```{language}\n(.*?)^```", page(name), re.M | re.S).group(1)


def example(name):
    with open(os.path.join(ROOT, "config", "examples", name + ".yaml"), encoding="utf-8") as file:
        return file.read()


class Pages(unittest.TestCase):
    def test_there_is_one_for_each_kind_of_service(self):
        self.assertEqual(NAMES, ["api-with-postgresql", "node-bot", "status-page", "websocket-server"])

    def test_the_configuration_shown_is_the_file_that_it_names(self):
        for name in NAMES:
            self.assertEqual(block(name, "yaml"), example(name), name)
            self.assertIn(f"config/examples/{name}.yaml", page(name))

    def test_the_agent_takes_each_without_a_complaint(self):
        for name in NAMES:
            answer = subprocess.run([BINARY, "check", os.path.join(ROOT, "config", "examples", name + ".yaml")],
                                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((answer.returncode, answer.stderr), (0, ""), name)
            self.assertIn("Watches", answer.stdout)
            if name == "status-page":
                self.assertIn("website (http https://shop.example/..., every 30s)", answer.stdout, "and not agent.interval")

    def test_every_alert_that_is_promised_is_one_that_the_configuration_has(self):
        for name in NAMES:
            config = yaml.safe_load(example(name))
            known = {rule["alert"] for rule in config["rules"]}
            for rules in config["shipped_rules"]:
                with open(os.path.join(ROOT, "config", "rules", rules + ".yaml"), encoding="utf-8") as file:
                    known |= {rule["alert"] for group in yaml.safe_load(file)["groups"] for rule in group["rules"]}
            rows = re.findall(r"^\| [^|]+ \| (.*`.*) \|$", page(name), re.M)
            promised = set(re.findall(r"`([A-Z]\w+)`", " ".join(rows)))
            self.assertGreater(len(promised), 4, name)
            self.assertEqual(promised - known, set(), name)
            self.assertEqual({rule["alert"] for rule in config["rules"]} - promised, set(),
                             f"{name} does not tell what for")


    def test_a_variable_that_is_shown_means_the_same_to_systemd_and_to_the_shell(self):
        for name in NAMES:
            shown = re.findall(r"[`']([A-Z_]+=[^`'\n]+)[`']", page(name))
            self.assertTrue(shown, name)
            for assignment in shown:
                variable, _, value = assignment.partition("=")
                self.assertEqual(shlex.split(assignment), [f"{variable}={value.strip(chr(34))}"], name)


class Followed(OtherUser):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)

    def start(self, name, changes, environment=None):
        """The agent with the configuration of a recipe, in which `changes` are made."""
        self.name = name
        config = self.changed(example(name), {"listen: 127.0.0.1:9766": "listen: 127.0.0.1:0", **changes})
        config = re.sub(r"^  interval: \d+s", "  interval: 200ms", config, flags=re.M)
        config = re.sub(r"^      interval: \d+[sm]", "      interval: 1s\n      timeout: 1s", config, flags=re.M)
        config = config.replace("within: 3s", "within: 900ms")
        config = re.sub(r"\bfor: \d+[sm]\b", "for: 0s", config)
        self.agent = self.start_agent(config, {"SLACK_URL": self.receiver.url, "DISCORD_URL": self.receiver.url,
                                               **(environment or {})})

    def changed(self, text, changes):
        for old, new in changes.items():
            self.assertIn(old, text, "the recipe says something else by now")
            text = text.replace(old, str(new))
        return text

    def write(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def node(self, script):
        self.assertTrue(os.path.isdir(os.path.join(LIBRARIES, "hot-shots")), "scripts/setup --tests installs it")
        with open(os.path.join(self.directory.name, "node.log"), "wb") as log:
            process = subprocess.Popen(["node", os.path.join(self.directory.name, script)], cwd=self.directory.name,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={**os.environ, "NODE_PATH": LIBRARIES})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def query(self, expression):
        status, _, body = self.agent.request("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        self.assertEqual(status, 200, f"{expression}: {body}")
        return json.loads(body)["data"]["result"]

    def expect_values(self, without=()):
        """Of every query that the page shows and of every rule of its own."""
        shown = re.findall(r"^sidewatch query '(.*?)'", page(self.name), re.M)
        self.assertGreater(len(shown), 1)
        for expression in shown + [rule["expr"] for rule in yaml.safe_load(example(self.name))["rules"]]:
            if expression not in without:
                wait_until(lambda: self.query(expression), f"a value of {expression}; the service's log: {self.log()}; "
                           f"the agent's: {self.agent.log()[-2000:]}", pause=0.1)

    def expect_running(self, group):
        wait_until(lambda: self.query(f'namedprocess_namegroup_num_procs{{groupname="{group}"}} == 1'), "the process")
        wait_until(lambda: not self.agent.alerts("ProcessAbsent"), "the agent to know that it runs")

    def log(self):
        try:
            with open(os.path.join(self.directory.name, "node.log"), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def expect_message(self, alert, level):
        """As an embed of Discord in the colour of its level, or as a text of Slack that begins with it."""
        def tells(body):
            if "embeds" in body:
                colour = {"warning": 0xFFA500, "critical": 0xFF0000}[level]
                return any(one["color"] == colour and alert in json.dumps(one) for one in body["embeds"])
            return level.upper() in body["text"].splitlines()[0] and alert in body["text"]

        wait_until(lambda: any(tells(request["body"]) for request in self.receiver.taken()),
                   f"the message about {alert}; the agent's log: {self.agent.log()[-3000:]}")

    def test_the_bot(self):
        statsd = free_port()
        self.start("node-bot", {"{unit: bot.service}": f"{{cmdline: '{self.directory.name}/bot.js'}}",
                                "statsd: {} ": f"statsd: {{listen: \"udp://127.0.0.1:{statsd}\"}} "})
        self.write("sidewatch.js",
                   self.changed(block("node-bot", "js"), {"8125": statsd, "9766": self.agent.port, "10_000": "100"}))
        self.node(self.write("bot.js", BOT))
        self.expect_values()
        self.expect_running("bot")
        wait_until(lambda: self.query('heartbeat_pings_total{result="success"} > 1'), "the heartbeat")
        self.assertEqual(self.query("bot_servers")[0]["value"][1], "3")
        self.expect_message("BotCommandsFail", "critical")

    def test_the_status_page(self):
        class Services(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"status": "ok"}' if self.path == "/health" else b"<html></html>"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        services = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Services)
        self.addCleanup(services.server_close)
        threading.Thread(target=services.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(services.shutdown)
        here = f"http://127.0.0.1:{services.server_address[1]}"
        self.start("status-page", {"https://shop.example": here, "https://api.shop.example": here,
                                   "https://login.shop.example": here, "mail.shop.example:465": "127.0.0.1:9",
                                   "query_type: A": "query_type: A, server: \"127.0.0.1:9\""})
        script = self.write("status.mjs", block("status-page", "js"))
        wait_until(lambda: len(self.query("avg_over_time(probe_success[1d])")) == 5, "the first run of each check")
        self.expect_values()
        html = self.status_page(script).stdout
        self.assertIn("<h1>Some services fail</h1>", html)
        rows = dict(re.findall(r'<tr class="(?:up|down)"><td>(\w+)</td><td>(\w+)</td>', html))
        self.assertEqual(rows, {"website": "works", "api": "works", "login": "works", "mail": "fails",
                                "names": "fails"})
        self.assertRegex(html, r"<td>100\.00 %</td><td>\d+ ms</td>")
        self.expect_message("ProbeFailing", "critical")
        self.run_unit()
        nothing = self.status_page(script, "probe_success_of_nobody")
        self.assertNotEqual(nothing.returncode, 0, "a page without a single check would say that all is well")
        self.assertIn("no check has run yet", nothing.stderr)
        self.agent.stop()
        self.assertNotEqual(self.status_page(script).returncode, 0,
                            "else the shell would put an empty page in place of the last one")

    def run_unit(self):
        """What the service does that systemd starts once a minute, as its user, in folders made as the page says."""
        service, timer = re.findall(r"^```ini\n(.*?)^```", page(self.name), re.M | re.S)
        made = re.findall(r"^sudo install (-d .*? /\S+|-D .*? /\S+) *(?:#.*)?$", page(self.name), re.M)
        self.assertEqual(len(made), 2)
        root = self.directory.name
        for line in made:
            line = line.replace(" /var", f" {root}/var").replace(" /opt", f" {root}/opt")
            line = line.replace("www-data", str(os.geteuid()) if os.geteuid() else "www-data")
            subprocess.run(["install", *line.split()], cwd=root, check=True, timeout=DEADLINE)
        folder = os.path.join(root, "units")
        os.mkdir(folder)
        for suffix, text in (("service", service), ("timer", timer)):
            with open(os.path.join(folder, "status." + suffix), "w", encoding="utf-8") as file:
                file.write(text)
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", os.path.join(folder, "status.timer")],
                                  capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((verified.returncode, verified.stdout + verified.stderr), (0, ""))
        user = re.search(r"^User=(.*)$", service, re.M)[1]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"] if os.geteuid() == 0 else []
        for command in re.findall(r"^ExecStart(?:Post)?=(.*)$", service, re.M):
            command = command.replace("/opt/", f"{root}/opt/").replace("/var/", f"{root}/var/")
            command = command.replace("127.0.0.1:9766", f"127.0.0.1:{self.agent.port}")
            answer = subprocess.run([*become, *shlex.split(command)], capture_output=True, text=True, timeout=DEADLINE,
                                    env={**os.environ, "SIDEWATCH": f"http://127.0.0.1:{self.agent.port}"})
            self.assertEqual((answer.returncode, answer.stderr), (0, ""), command)
        with open(os.path.join(root, "var", "www", "status", "index.html"), encoding="utf-8") as file:
            self.assertIn("<h1>Some services fail</h1>", file.read())
        wait_until(lambda: self.query('heartbeat_pings_total{heartbeat="page",result="success"} == 1'), "the heartbeat")

    def status_page(self, script, checks="probe_success"):
        if checks != "probe_success":
            with open(script, encoding="utf-8") as file:
                asks = {"ask('probe_success')": f"ask('{checks}')"}
                script = self.write("other.mjs", self.changed(file.read(), asks))
        return subprocess.run(["node", script], capture_output=True, text=True, timeout=DEADLINE,
                              env={**os.environ, "SIDEWATCH": f"http://127.0.0.1:{self.agent.port}"})

    def test_the_websocket_server(self):
        server, metrics = free_port(), free_port()
        self.write("sidewatch.js", self.changed(block("websocket-server", "js"), {"9464": metrics}))
        self.start("websocket-server", {"{unit: chat.service} ": f"{{cmdline: '{self.directory.name}/chat.js'}} ",
                                        "8080": server, "9464": metrics})
        process = self.node(self.write("chat.js", CHAT.replace("8080", str(server))))
        self.expect_values()
        wait_until(lambda: self.query('probe_success{probe="handshake"} == 1'), "the handshake")
        self.expect_running("chat")
        self.assertEqual(self.query("ws_connections")[0]["value"][1], "100")
        self.assertEqual(self.query("ws_buffered_bytes")[0]["value"][1], "1000")
        process.send_signal(12)  # SIGUSR2: all but five clients are gone
        self.expect_message("ConnectionsLost", "critical")

    def test_the_api(self):
        database = Postgresql(os.path.join(self.directory.name, "pg")).make()
        database.allow("local all all trust\nhost all all 127.0.0.1/32 trust\n")
        self.addCleanup(database.stop)
        database.start()
        database.psql(["CREATE DATABASE shop"])
        database.psql(["CREATE TABLE orders(status text, created timestamptz)",
                       "INSERT INTO orders VALUES ('paid', now() - interval '2 hours'), ('sent', now())"], "shop")
        database.psql(block("api-with-postgresql", "sql"), "shop")
        port = free_port()
        self.start("api-with-postgresql", {"{unit: shop-api.service}": f"{{cmdline: '{self.directory.name}/api.js'}}",
                                           "3000": port, "every: 30s": "every: 5s"},
                   {"SHOP_DSN": f"host=127.0.0.1 port={database.port} dbname=shop user=sidewatch"})
        self.write("sidewatch.js", block("api-with-postgresql", "js"))
        self.node(self.write("api.js",
                             self.changed(API, {"SNIPPET": block("api-with-postgresql", "js api"), "3000": port})))
        self.expect_values()
        self.expect_running("shop-api")
        wait_until(lambda: self.query('probe_success{probe="health"} == 1'), "the check of its health")
        self.assertEqual({one["metric"]["status"]: one["value"][1] for one in self.query("shop_orders")},
                         {"paid": "1", "sent": "1"})
        self.assertEqual(self.query("sidewatch_database_errors_total"), [], self.agent.log())
        self.expect_message("OrdersStuck", "critical")
        wait_until(lambda: {"/orders/:id", "/health", "/metrics"} <= {
            one["metric"]["route"] for one in self.query("http_requests_total")}, "the requests of all routes")


if __name__ == "__main__":
    unittest.main(verbosity=2)
