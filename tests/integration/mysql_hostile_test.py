"""Who only claims to be a MySQL server gets nothing and delays nobody; and TLS as each mode promises it."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import fake_mysql  # noqa: E402
from harness import temporary_directory, wait_until  # noqa: E402
from mysql import WithServer, page, wait_for_value  # noqa: E402


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
        wait_until(lambda: "it was given none" in agent.log(), "the log")
        for mode, server in stripped.items():
            self.assertEqual(server.received, b"", f"{mode}: who expects TLS tells nothing before it")

    def test_the_login_of_mysql_8_is_known_and_its_statements_are_its_own(self):
        server = self.fake(fake_mysql.mysql_8)
        agent = self.start_agent(self.instance_of("eight", server))
        wait_for_value(agent, lambda seconds: seconds == 77, "mysql_global_status_uptime", instance="eight")
        for statement in (b"SET SESSION TRANSACTION READ ONLY", b"SET SESSION max_execution_time = 800",
                          b"SHOW REPLICA STATUS", b"lock_deadlocks"):
            self.assertIn(statement, server.received)
        self.assertNotIn(b"SHOW ALL SLAVES", server.received)
        self.assertNotIn(b"open-sesame", server.received)

    def test_connections_that_fail_leave_nothing_behind(self):
        servers = [self.fake(behave) for behave in (fake_mysql.silent, fake_mysql.garbage, fake_mysql.drips,
                                                    fake_mysql.has_no_tls, fake_mysql.stalls_in_tls)]
        agent = self.start_agent(*(self.instance_of(f"s{number}", server, ", tls: {}" if number > 2 else "")
                                   for number, server in enumerate(servers)))
        wait_until(lambda: all(server.connections >= 2 for server in servers), "two attempts each")
        wait_until(lambda: self.open_sockets(agent) <= 2, "the sockets to be closed between attempts")  # its own: HTTP
        wait_until(lambda: all(server.connections >= 4 for server in servers), "four attempts each")
        self.assertLessEqual(self.open_sockets(agent), 2 + len(servers))

    @staticmethod
    def open_sockets(agent):
        count = 0
        for number in os.listdir(f"/proc/{agent.process.pid}/fd"):
            try:
                count += os.readlink(f"/proc/{agent.process.pid}/fd/{number}").startswith("socket:")
            except OSError:
                pass  # it was closed meanwhile
        return count

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
