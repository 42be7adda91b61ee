"""PostgreSQL gone wrong under the real agent: killed, frozen, full, restarted, silent, another program altogether.

Whatever happens, the agent answers at once, says pg_up 0 while nothing can be known, writes one line when it begins and
one when it ends, and comes back by itself.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page  # noqa: E402
from harness import BINARY, Agent, temporary_directory, wait_until  # noqa: E402
from postgresql import Postgresql  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, state_dir: "{directory}/state"}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  postgresql:
    - name: main
      dsn: "host=127.0.0.1 port={port} dbname=postgres user={user}"
      {tls}
      password: "${{file:{directory}/password}}"
      interval: 500ms
      timeout: 700ms
      queries: [{queries}]
"""


class Fault(unittest.TestCase):
    """An agent and a thing at a port that it takes for a server."""

    def start(self, port, queries="", directory=None, tls="", user="sidewatch"):
        self.directory = directory or self.new_directory()
        with open(os.path.join(self.directory, "password"), "w", encoding="utf-8") as password:
            password.write("first\n")
        config = CONFIG.format(port=port, directory=self.directory, queries=queries, user=user,
                               tls="tls: " + tls if tls else "")
        self.agent = Agent(config, self.directory).start()
        self.addCleanup(self.agent.stop)

    def new_directory(self):
        temporary = temporary_directory()
        self.addCleanup(temporary.cleanup)
        return temporary.name

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def up(self):
        found = self.page().matching("pg_up")
        return found[0] if found else None

    def wait_until_up(self):
        wait_until(lambda: self.up() == 1, "pg_up 1")

    def wait_until_down(self):
        wait_until(lambda: self.up() == 0, "pg_up 0")

    def errors(self, reason, query="connect"):
        return sum(self.page().matching("sidewatch_database_errors_total", reason=reason, query=query))

    def wait_for_error(self, reason, query="connect"):
        wait_until(lambda: self.errors(reason, query) > 0, f"an error of the kind {reason}")

    def troubles(self):
        """But that a pass was late, or what is told is older, on a machine that is busy."""
        of_the_machine = ("is overdue", "the server is so slow that")
        return [line for line in self.agent.log_since_start().splitlines()
                if "level=warn" in line and not any(words in line for words in of_the_machine)]

    def memory(self, field):
        """MiB; a sanitizer's are its own business."""
        with open(f"/proc/{self.agent.process.pid}/status", encoding="utf-8") as status:
            return 0 if "asan" in BINARY else int(re.search(field + r":\s+(\d+) kB", status.read())[1]) >> 10

    def assert_one_trouble(self, words):
        self.assertEqual(len(self.troubles()), 1, self.agent.log_since_start())
        self.assertIn(words, self.troubles()[0])


class OfAServer(Fault):
    @classmethod
    def setUpClass(cls):
        cls.temporary = temporary_directory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.server = Postgresql(os.path.join(cls.temporary.name, "pg"), max_connections="12",
                                superuser_reserved_connections="3").make().start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.psql(["CREATE USER sidewatch PASSWORD 'first'", "GRANT pg_monitor TO sidewatch",
                         "CREATE USER shop PASSWORD 'x'"])

    def watch(self, queries=""):
        self.start(self.server.port, queries)
        self.wait_until_up()

    def drop_the_agents_session(self):
        self.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sidewatch'")

    def backend(self):
        return self.server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'sidewatch'")

    def test_killed_and_started_again(self):
        self.watch()
        self.server.kill()
        self.wait_until_down()
        wait_until(lambda: self.errors("unreachable") > 0 or self.errors("lost") > 0, "a reason")
        self.assertEqual(self.page().label_sets("pg_stat_database_xact_commit"), set())
        self.server.start()
        self.wait_until_up()
        wait_until(lambda: "reads everything again" in self.agent.log() or "level=info" in
                   self.agent.log().split("level=warn")[-1].split("\n", 1)[1], "the line that it is over",
                   deadline=90)  # that a server is slow is told for a minute

    def test_frozen_for_ten_seconds(self):
        self.watch()
        self.server.freeze()
        frozen = time.monotonic()
        try:
            self.wait_until_down()
            self.assertLess(time.monotonic() - frozen, 5)
            longest = 0
            while time.monotonic() - frozen < 10:
                began = time.monotonic()
                self.assertEqual(self.agent.request("/-/healthy")[0], 200)
                self.assertEqual(self.up(), 0)
                longest = max(longest, time.monotonic() - began)
                time.sleep(0.2)
            self.assertLess(longest, 1)
            self.assertGreater(self.errors("timeout"), 0)
            # An attempt takes the timeout, not the server's patience.
            self.assertLess(self.page().value("pg_exporter_last_scrape_duration_seconds"), 1.5)
        finally:
            self.server.thaw()
        self.wait_until_up()

    def test_without_a_place_for_one_more(self):
        self.watch()
        sessions = []
        try:
            while len(sessions) < 12:
                session = self.server.session()
                sessions.append(session)
        except AssertionError:
            pass  # full
        try:
            self.drop_the_agents_session_from(sessions[0])
            self.wait_for_error("too_many_connections")
            self.assertEqual(self.up(), 0)
            wait_until(lambda: "max_connections" in self.agent.log(), "what to do about it")
        finally:
            for session in sessions:
                session.close()
        self.wait_until_up()

    def drop_the_agents_session_from(self, session):
        session.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sidewatch'")

    def test_restarted_in_the_middle_of_a_query(self):
        self.watch("{name: slow, sql: 'SELECT pg_sleep(0.5) AS s, 1 AS n', every: 1s, "
                   "metrics: [{column: n, name: shop_slow}]}")
        wait_until(lambda: self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.5)%' "
                                           "AND application_name = 'sidewatch' AND state = 'active'") == "1", "it to run")
        self.server.stop()
        self.wait_until_down()
        self.server.start()
        self.wait_until_up()
        wait_until(lambda: self.page().matching("shop_slow") == [1.0], "its answer")

    def test_a_rotated_password(self):
        self.watch()
        self.server.psql("ALTER USER sidewatch PASSWORD 'second'")
        self.addCleanup(self.server.psql, "ALTER USER sidewatch PASSWORD 'first'")
        self.drop_the_agents_session()
        self.wait_for_error("login_refused")
        self.assertEqual(self.up(), 0)
        wait_until(lambda: "password authentication failed for user" in self.agent.log(), "the log")
        with open(os.path.join(self.directory, "password"), "w", encoding="utf-8") as password:
            password.write("second\n")
        self.wait_until_up()
        self.assertNotIn("second", self.agent.log())

    def test_a_user_without_the_role(self):
        self.server.psql("REVOKE pg_monitor FROM sidewatch")
        self.addCleanup(self.server.psql, "GRANT pg_monitor TO sidewatch")
        self.watch()
        wait_until(lambda: "GRANT pg_monitor TO sidewatch" in self.agent.log(), "which GRANT is missing")
        page = self.page()
        self.assertEqual(page.label_sets("pg_wal_segments"), set())
        self.assertGreater(len(page.label_sets("pg_stat_database_xact_commit")), 2)
        self.assertGreater(self.errors("denied", "wal_files"), 0)
        self.assertEqual(len(self.troubles()), 1, self.agent.log())
        self.server.psql("GRANT pg_monitor TO sidewatch")
        self.drop_the_agents_session()  # a new session asks for everything anew
        wait_until(lambda: self.page().matching("pg_wal_segments"), "what is granted now")

    def test_a_query_that_takes_too_long_costs_only_itself(self):
        self.watch("{name: slow, sql: SELECT pg_sleep(60), metrics: [{column: pg_sleep, name: shop_slow}]}")
        self.wait_for_error("timeout", "slow")
        first = self.backend()
        self.assertEqual(self.up(), 1)
        self.assertEqual(self.errors("timeout"), 0)
        self.assert_one_trouble("query 'slow'")
        before = self.page().value("pg_stat_database_xact_commit", datname="postgres")
        wait_until(lambda: self.page().value("pg_stat_database_xact_commit", datname="postgres") > before, "passes")
        self.assertEqual(self.backend(), first, "the connection is kept")
        self.assertEqual(self.errors("timeout", "slow"), 1, "it is left alone for a while")

    def test_what_is_no_reading_is_refused_by_the_server(self):
        self.server.psql("CREATE TABLE IF NOT EXISTS guarded (a int); GRANT ALL ON guarded TO sidewatch")
        self.watch("{name: writes, sql: 'INSERT INTO guarded VALUES (1) RETURNING a', "
                   "metrics: [{column: a, name: shop_written}]}, "
                   "{name: two, sql: 'SELECT 1 AS a; DELETE FROM guarded', metrics: [{column: a, name: shop_two}]}, "
                   "{name: copies, sql: COPY guarded TO STDOUT, metrics: [{column: a, name: shop_copied}]}")
        wait_until(lambda: "read-only transaction" in self.agent.log(), "the refusal")
        self.assertEqual(self.server.sql("SELECT count(*) FROM guarded"), "0")
        wait_until(lambda: self.errors("malformed", "copies") > 0, "COPY to be refused")
        self.wait_until_up()

    def test_an_answer_of_many_rows_is_cut_and_not_kept(self):
        self.watch("{name: rows, sql: 'SELECT g AS id, repeat(''x'', 200) AS pad, 1 AS n "
                   "FROM generate_series(1, 3000000) g', labels: [id], max_rows: 10, every: 1m, timeout: 20s, "
                   "metrics: [{column: n, name: shop_rows}]}")
        self.wait_for_error("too_large", "rows")
        wait_until(lambda: len(self.page().matching("shop_rows")) == 10, "the first rows")
        self.assertEqual(self.errors("lost"), 0)
        self.assertLess(self.memory("VmHWM"), 60, "MiB, of an answer of 600")

    def test_a_huge_cell_ends_the_connection_and_is_given_back(self):
        self.watch("{name: cell, sql: 'SELECT repeat(''x'', 200000000) AS pad, 1 AS n', every: 1m, timeout: 10s, "
                   "metrics: [{column: n, name: shop_cell}]}")
        self.wait_for_error("too_large", "cell")
        self.wait_until_up()
        wait_until(lambda: self.memory("VmRSS") < 60, "the memory to be given back")
        wait_until(lambda: "a row is larger than 1048576 bytes" in self.agent.log(), "the reason")

    def test_a_database_that_is_not_there(self):
        directory = self.new_directory()
        self.start(self.server.port, directory=directory)
        self.wait_until_up()
        with open(self.agent.config_path, encoding="utf-8") as file:
            config = file.read()
        self.agent.write_config(config.replace("dbname=postgres", "dbname=nowhere"))
        self.agent.request("/-/reload", "POST")
        self.wait_for_error("login_refused")
        wait_until(lambda: 'database \\"nowhere\\" does not exist' in self.agent.log(), "its name")


def make_certificates(directory):
    """An authority, a certificate for the name db.test by it, and another authority that signed nothing."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
                f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name} authority")
    for name, common in (("server", "db.test"), ("client", "sidewatch")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={common}", "-addext", f"subjectAltName=DNS:{common}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-copy_extensions", "copy", "-out", f"{name}.pem")
        os.chmod(os.path.join(directory, f"{name}.key"), 0o600)


class OfEncryption(Fault):
    """A server that lets in over TLS alone."""

    ACCESS = """
local all postgres trust
hostssl all certified 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
"""

    @classmethod
    def setUpClass(cls):
        cls.temporary = temporary_directory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.keys = os.path.join(cls.temporary.name, "keys")
        os.makedirs(cls.keys)
        make_certificates(cls.keys)
        cls.server = Postgresql(os.path.join(cls.temporary.name, "pg"), ssl="on")
        cls.server.make()
        cls.server.allow(cls.ACCESS)
        for ours, theirs in (("server.pem", "server.crt"), ("server.key", "server.key"), ("ca.pem", "root.crt")):
            copied = os.path.join(cls.server.data, theirs)
            shutil.copy(os.path.join(cls.keys, ours), copied)
            if os.getuid() == 0:
                shutil.chown(copied, "postgres", "postgres")
            os.chmod(copied, 0o600)
        cls.server.settings["ssl_ca_file"] = "root.crt"
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.psql(["CREATE USER sidewatch PASSWORD 'first'", "GRANT pg_monitor TO sidewatch",
                         "CREATE USER certified", "GRANT pg_monitor TO certified"])

    def watch_with(self, tls, **changes):
        self.start(self.server.port, tls=tls, **changes)

    def encrypted(self):
        return self.server.sql("SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
                               "WHERE a.application_name = 'sidewatch'")

    def test_a_certificate_that_holds(self):
        self.watch_with(f"{{ca: {self.keys}/ca.pem, server_name: db.test}}")
        self.wait_until_up()
        self.assertEqual(self.encrypted(), "t")

    def test_a_certificate_for_another_name(self):
        self.watch_with(f"{{ca: {self.keys}/ca.pem}}")
        self.wait_until_down()
        self.wait_for_error("login_refused")
        self.assert_one_trouble("does not match host name")

    def test_only_the_authority_is_checked_where_that_is_wanted(self):
        self.watch_with(f"{{mode: verify-ca, ca: {self.keys}/ca.pem}}")
        self.wait_until_up()

    def test_an_authority_that_did_not_sign_it(self):
        self.watch_with(f"{{ca: {self.keys}/other.pem, server_name: db.test}}")
        self.wait_until_down()
        self.wait_for_error("login_refused")
        self.assert_one_trouble("certificate verify failed")

    def test_encrypted_whoever_it_is(self):
        self.watch_with("{mode: require}")
        self.wait_until_up()
        self.assertEqual(self.encrypted(), "t")

    def test_without_encryption_the_log_says_what_to_write(self):
        self.watch_with("{mode: off}")
        self.wait_until_down()
        self.wait_for_error("login_refused")
        self.assert_one_trouble("tls: {mode: require}")

    def test_a_client_certificate_instead_of_a_password(self):
        self.watch_with(f"{{ca: {self.keys}/ca.pem, server_name: db.test, cert: {self.keys}/client.pem, "
                        f"key: {self.keys}/client.key}}", user="certified")
        self.wait_for_error("login_refused")  # its name is sidewatch and not certified
        with open(os.path.join(self.server.data, "pg_ident.conf"), "w", encoding="utf-8") as idents:
            idents.write("clients sidewatch certified\n")
        self.server.allow(self.ACCESS.replace("/32 cert", "/32 cert map=clients"))
        self.server.psql("SELECT pg_reload_conf()")
        self.wait_until_up()


class OfSomethingElse(Fault):
    def listen(self, answer):
        """A server that gives each connection to `answer`."""
        server = socket.socket()
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        self.held = []

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                self.held.append(connection)
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def close():
            server.shutdown(socket.SHUT_RDWR)
            server.close()
            thread.join(5)
            for connection in self.held:
                connection.close()
        self.addCleanup(close)
        return server.getsockname()[1]

    def test_accepts_and_says_nothing(self):
        self.start(self.listen(lambda connection: None))
        self.wait_until_down()
        self.wait_for_error("timeout")
        self.assert_one_trouble("does not answer in time")
        wait_until(lambda: self.errors("timeout") >= 2, "another attempt")
        self.assert_one_trouble("does not answer in time")
        self.assertLess(len(self.held), 6, "attempts back off")

    def test_speaks_another_language(self):
        def http(connection):
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        self.start(self.listen(http))
        self.wait_until_down()
        self.wait_for_error("malformed")
        self.assert_one_trouble("is this the port of a PostgreSQL server?")

    def test_sends_garbage_without_end(self):
        def garbage(connection):
            def pour():
                try:
                    while True:
                        connection.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x00S\x7f\xff\xff\xff" + os.urandom(65536))
                except OSError:
                    pass
            threading.Thread(target=pour, daemon=True).start()
        self.start(self.listen(garbage))
        self.wait_until_down()
        wait_until(lambda: sum(self.page().matching("sidewatch_database_errors_total", query="connect")) >= 2, "two attempts")
        self.assertLess(self.memory("VmHWM"), 60, "MiB")

    def test_nobody_listens(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.start(port)
        self.wait_until_down()
        self.wait_for_error("unreachable")
        self.assert_one_trouble("Connection refused")


if __name__ == "__main__":
    unittest.main()
