"""Whatever happens to a MySQL server costs only what needs it, and who only claims to be one gets nothing."""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import fake_mysql  # noqa: E402
from harness import temporary_directory, wait_until  # noqa: E402
from mysql import WithServer, page, wait_for_value  # noqa: E402


class Faults(WithServer):
    def setUp(self):
        self.server.sql("ALTER USER sidewatch@'127.0.0.1' IDENTIFIED BY 'first'")
        self.set_password("first")

    def warnings(self, agent):
        return [line for line in agent.log().splitlines() if "level=warn" in line]

    def test_a_killed_server_is_down_at_once_and_back_when_it_is_back(self):
        agent = self.start_agent(self.instance())
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        self.server.kill()
        wait_for_value(agent, lambda up: up == 0, "mysql_up")
        self.assertEqual(page(agent).matching("mysql_global_status_uptime"), [], "nothing is said of a server that is gone")
        self.server.start()
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        wait_for_value(agent, lambda seconds: seconds >= 0, "mysql_global_status_uptime")
        self.assertLessEqual(len(self.warnings(agent)), 3, agent.log())

    def test_a_stopped_server_costs_its_timeout_and_nothing_else(self):
        agent = self.start_agent(self.instance())
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        self.server.freeze()
        try:
            began = time.monotonic()
            wait_for_value(agent, lambda up: up == 0, "mysql_up")
            self.assertLess(time.monotonic() - began, 10)
            while time.monotonic() - began < 10:  # as long as an operator's debugger may hold it
                self.assertEqual(page(agent).value("mysql_up"), 0)
                time.sleep(0.5)
            self.assertIn("no answer from the server in time", agent.log())
        finally:
            self.server.thaw()
        wait_for_value(agent, lambda up: up == 1, "mysql_up")

    def test_a_query_that_takes_too_long_is_ended_by_the_server_and_the_connection_stays(self):
        agent = self.start_agent(self.instance(
            ", queries: [{name: slow, sql: 'SELECT SLEEP(30) AS n', metrics: [{column: n, name: slow}]}]"))
        wait_for_value(agent, lambda n: n == 1, "sidewatch_database_errors_total", query="slow", reason="timeout")
        first = self.server.sql("SELECT id FROM information_schema.processlist WHERE user = 'sidewatch'")
        wait_for_value(agent, lambda n: n > 3, "mysql_exporter_scrapes_total")
        self.assertEqual(page(agent).value("mysql_up"), 1)
        self.assertEqual(self.server.sql("SELECT id FROM information_schema.processlist WHERE user = 'sidewatch'"), first)

    def test_a_restart_in_the_middle_of_a_query_is_survived(self):
        agent = self.start_agent(self.instance(
            ", queries: [{name: slow, sql: 'SELECT SLEEP(4) AS n', timeout: 8s, metrics: [{column: n, name: slow}]}]"))
        wait_until(lambda: self.server.value("SELECT COUNT(*) FROM information_schema.processlist "
                                             "WHERE user = 'sidewatch' AND state = 'User sleep'") == "1", "the query")
        self.server.restart()
        wait_for_value(agent, lambda n: n >= 1, "sidewatch_database_errors_total", query="connect", reason="lost")
        wait_for_value(agent, lambda up: up == 1, "mysql_up")

    def test_a_rotated_password_is_read_at_the_next_connect(self):
        agent = self.start_agent(self.instance())
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        self.server.sql("ALTER USER sidewatch@'127.0.0.1' IDENTIFIED BY 'second'")
        self.assertEqual(page(agent).value("mysql_up"), 1, "a session that is there stays")
        self.kill_connection()
        wait_for_value(agent, lambda n: n >= 1, "sidewatch_database_errors_total", reason="login_refused")
        self.assertIn("the login as 'sidewatch' failed: Access denied", agent.log())
        self.set_password("second")
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        self.assertNotIn("second", agent.log())
        self.assertNotIn("first\n", agent.log())

    def test_a_revoked_right_costs_only_what_needs_it(self):
        agent = self.start_agent(self.instance())
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        self.server.sql("REVOKE SLAVE MONITOR ON *.* FROM sidewatch@'127.0.0.1'")
        try:
            self.kill_connection()
            wait_for_value(agent, lambda ok: ok == 0, "mysql_exporter_collector_success",
                           collector="collect.slave_status")
            now = page(agent)
            self.assertEqual(now.value("mysql_up"), 1)
            self.assertEqual(now.value("mysql_exporter_collector_success", collector="collect.global_status"), 1)
            self.assertIn("GRANT SLAVE MONITOR ON *.* TO the user 'sidewatch'", agent.log())
        finally:
            self.server.sql("GRANT SLAVE MONITOR ON *.* TO sidewatch@'127.0.0.1'")

    def test_a_server_without_a_free_place_says_so(self):
        agent = self.start_agent(self.instance())
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        keeper = self.open_session()
        keeper.sql("SET GLOBAL max_connections = 10")
        self.addCleanup(keeper.sql, "SET GLOBAL max_connections = 40")
        crowd = [self.open_session() for _ in range(12)]
        for session in crowd:
            session.send("SELECT 1")
        ids = keeper.sql("SELECT id FROM information_schema.processlist WHERE user = 'sidewatch'")
        keeper.sql(f"KILL {ids[0]}")
        crowd.append(self.open_session())
        wait_for_value(agent, lambda n: n >= 1, "sidewatch_database_errors_total", reason="too_many_connections")
        self.assertIn("there is no place for one more connection", agent.log())
        for session in crowd:
            session.close()
        wait_for_value(agent, lambda up: up == 1, "mysql_up")


class Hostile(WithServer):
    def fake(self, behave):
        server = fake_mysql.FakeMysql(behave)
        self.addCleanup(server.stop)
        return server

    def instance_of(self, name, server, more=""):
        return (f'name: {name}, address: "127.0.0.1:{server.port}", user: sidewatch, password: open-sesame, '
                f'timeout: 1s{more}')

    def test_servers_that_are_none_get_nothing_and_delay_nobody(self):
        canary = os.path.join(self.directory, "canary")
        with open(canary, "w") as file:
            file.write("the canary sings")
        servers = {
            "silent": self.fake(fake_mysql.silent),
            "garbage": self.fake(fake_mysql.garbage),
            "thief": self.fake(fake_mysql.asks_for(canary)),
            "phisher": self.fake(fake_mysql.wants_the_password),
            "dripping": self.fake(fake_mysql.drips),
        }
        stalling = self.fake(fake_mysql.stalls_in_tls)
        stripped = {mode: self.fake(fake_mysql.has_no_tls) for mode in ("require", "verify-ca", "verify-full")}
        agent = self.start_agent(self.instance(), *(self.instance_of(*each) for each in servers.items()),
                                 self.instance_of("stalling", stalling, ", tls: {}"),
                                 *(self.instance_of(mode, server, f", tls: {{mode: {mode}}}")
                                   for mode, server in stripped.items()))
        reasons = {"silent": "timeout", "garbage": "lost", "thief": "malformed", "phisher": "login_refused",
                   "dripping": "timeout", "stalling": "timeout", "require": "login_refused", "verify-ca": "login_refused",
                   "verify-full": "login_refused"}
        for name, reason in reasons.items():
            wait_for_value(agent, lambda n: n >= 1, "sidewatch_database_errors_total", instance=name, query="connect",
                           reason=reason)
            self.assertEqual(page(agent).value("mysql_up", instance=name), 0)
        self.assertEqual(page(agent).value("mysql_up", instance="main"), 1)
        for server in servers.values():
            self.assertNotIn(b"open-sesame", server.received)
            self.assertNotIn(b"canary sings", server.received)
        self.assertIn("it was given none", agent.log())
        for mode, server in stripped.items():
            self.assertEqual(server.received, b"", f"{mode}: who expects TLS tells nothing before it")

    def test_a_server_that_is_not_there_or_has_no_name_is_said_so(self):
        nobody = self.fake(fake_mysql.silent)
        nobody.stop()
        agent = self.start_agent(self.instance_of("nobody", nobody),
                                 "name: nameless, address: no-such-host.invalid, user: sidewatch, timeout: 1s",
                                 f"name: socketless, address: {self.directory}/none.sock, user: sidewatch")
        wait_for_value(agent, lambda n: n >= 1, "sidewatch_database_errors_total", instance="nobody", reason="unreachable")
        wait_until(lambda: "Connection refused" in agent.log(), "the refusal in the log")
        wait_until(lambda: "the name 'no-such-host.invalid' is not resolved" in agent.log(), "the name in the log")
        wait_until(lambda: "none.sock: No such file or directory" in agent.log(), "the socket in the log")

    def test_the_socket_is_a_way_too(self):
        self.server.sql("CREATE USER IF NOT EXISTS sidewatch@localhost IDENTIFIED BY 'open-sesame'")
        agent = self.start_agent(
            f"name: main, address: {self.server.socket}, user: sidewatch, password: open-sesame")
        wait_for_value(agent, lambda up: up == 1, "mysql_up")


class Tls(WithServer):
    @classmethod
    def setUpClass(cls):
        cls.guard = temporary_directory()
        cls.addClassCleanup(cls.guard.cleanup)
        os.chmod(cls.guard.name, 0o755)
        cls.make_certificates(cls.guard.name)
        cls.ca = os.path.join(cls.guard.name, "ca.pem")
        cls.options = (f"--ssl-ca={cls.ca}", f"--ssl-cert={cls.guard.name}/server.pem",
                       f"--ssl-key={cls.guard.name}/server.key")
        super().setUpClass()

    @staticmethod
    def make_certificates(directory):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=directory, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        for name in ("ca", "stranger"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem",
                    "-days", "2", "-subj", f"/CN={name}")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=db")
        with open(os.path.join(directory, "names"), "w") as file:
            file.write("subjectAltName=DNS:db.example\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "names", "-out", "server.pem")
        os.chmod(os.path.join(directory, "server.key"), 0o644)

    def named(self, name, tls):
        return self.instance(f", tls: {{{tls}}}").replace("name: main", f"name: {name}")

    def test_each_mode_takes_the_servers_that_it_should(self):
        self.server.sql("ALTER USER sidewatch@'127.0.0.1' REQUIRE SSL")
        stranger = os.path.join(self.guard.name, "stranger.pem")
        agent = self.start_agent(
            self.named("full", f"ca: {self.ca}, server_name: db.example"), self.named("ca", f"mode: verify-ca, ca: {self.ca}"),
            self.named("some", "mode: require"), self.named("other_name", f"ca: {self.ca}, server_name: other.example"),
            self.named("address", f"ca: {self.ca}"), self.named("stranger", f"mode: verify-ca, ca: {stranger}"),
            self.instance().replace("name: main", "name: plain"))
        for name in ("full", "ca", "some"):
            wait_for_value(agent, lambda up: up == 1, "mysql_up", instance=name)
        for name in ("other_name", "address", "stranger", "plain"):
            wait_for_value(agent, lambda n: n >= 1, "sidewatch_database_errors_total", instance=name,
                           reason="login_refused")
            self.assertEqual(page(agent).value("mysql_up", instance=name), 0)
        with self.subTest("a server that is stopped holds nobody up in TLS either"):
            self.server.freeze()
            try:
                wait_for_value(agent, lambda up: up == 0, "mysql_up", instance="full")
            finally:
                self.server.thaw()
            wait_for_value(agent, lambda up: up == 1, "mysql_up", instance="full")


if __name__ == "__main__":
    unittest.main(verbosity=2)
