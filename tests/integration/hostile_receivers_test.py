"""The real agent among receivers that misbehave, go away, or are not who they say."""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Receiver, wait_until  # noqa: E402
from hostile import configuration, HostileTest  # noqa: E402
from servers import free_port  # noqa: E402


class RawReceiver:
    """Takes whole requests and does to the connection what `behave(connection)` does."""

    def __init__(self, behave):
        self.behave = behave
        self.requests = 0
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(16)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                connection.settimeout(20)
                self._read(connection)
                self.requests += 1
                self.behave(connection)
            except OSError:
                pass

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(body) < length:
            body += self._more(connection)

    @staticmethod
    def _more(connection):
        data = connection.recv(65536)
        if not data:
            raise OSError("closed")
        return data

    def stop(self):
        self._socket.close()


def drip(connection):
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def reset(connection):
    connection.sendall(b"HTTP/1.1 200")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def flood(head, piece):
    def behave(connection):
        connection.sendall(head)
        for _ in range((1 << 30) // len(piece)):
            connection.sendall(piece)
    return behave


def answer(*lines):
    return lambda connection: connection.sendall("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode())


class Receivers(HostileTest):
    # What a receiver does, and what the log then says of it. None: it took the message.
    MANNERS = {
        "drip": (drip, "timed out"),
        "reset": (reset, "reset by peer"),
        "silence": (lambda connection: None, "Empty reply"),
        "garbage": (lambda connection: connection.sendall(b"\xff\x00SSH-2.0\r\n\r\n"), "HTTP/0.9"),
        "headers": (flood(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 4000 + b"\r\n"), None),
        "huge": (flood(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", bytes(65536)), None),
        "hugefailure": (flood(b"HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n", bytes(65536)), "HTTP 500"),
        "moved": (answer("HTTP/1.1 301 M", "Location: http://169.254.169.254/"), "redirect not followed"),
        "later": (answer("HTTP/1.1 503 L", "Retry-After: 315360000"), "HTTP 503"),
        "gone": (answer("HTTP/1.1 410 G"), "delivery failed, it will be tried again"),
        "nocontent": (answer("HTTP/1.1 204 N"), None),
    }

    def test_no_receiver_harms_another_or_the_agent(self):
        entries = []
        for name, (behave, _) in self.MANNERS.items():
            receiver = RawReceiver(behave)
            self.addCleanup(receiver.stop)
            entries.append(f'  - {{name: {name}, webhook: {{url: "http://127.0.0.1:{receiver.port}/c4nary", timeout: 2s}}}}')
        good = Receiver()
        self.addCleanup(good.stop)
        entries.append(f'  - {{name: good, webhook: {{url: "{good.url}"}}}}')
        agent = self.start(configuration(receivers="\n".join(entries)))
        good.wait_for(1, "the good receiver's message")
        for name, (_, words) in self.MANNERS.items():
            if words is None:
                delivered = f'sidewatch_notifications_delivered_total{{receiver="{name}"}}'
                wait_until(lambda: agent.metrics()[delivered] == 1, f"{name} to be taken for delivered")
            else:
                wait_until(lambda: [line for line in agent.log().splitlines()
                                    if f"receiver={name} " in line and words in line], f"the log's word on {name}")
        self.goes_on(agent)
        self.assertEqual(len(good.all()), 1)
        self.assertNotIn("c4nary", agent.log())
        for page in ("/metrics", "/api/v1/alerts", "/"):
            self.assertNotIn(b"c4nary", agent.request(page)[2], page)
        for name, content in self.state_files():
            self.assertNotIn(b"c4nary", content, name)
        self.assertNotIn("<...>...", agent.log())
        self.assertLess(agent.terminate(), 3.0)

    def test_what_waits_for_a_receiver_that_is_taken_away_is_not_lost_in_silence(self):
        receiver = Receiver(lambda number: 500)
        self.addCleanup(receiver.stop)

        def named(name):
            return configuration(receivers=f'  - {{name: {name}, webhook: {{url: "{receiver.url}"}}}}')
        failed = 'sidewatch_notifications_failed_attempts_total{receiver="first"}'
        agent = self.start(named("first"))
        wait_until(lambda: agent.metrics()[failed] > 0, "a failed attempt")
        agent.write_config(named("second"))
        self.assertEqual(agent.request("/-/reload", "POST")[0], 200)
        wait_until(lambda: "in the dead letters\" receiver=first messages=1" in agent.log(), "the log to tell")
        dropped = 'sidewatch_notifications_dropped_total{receiver="first"}'
        wait_until(lambda: agent.metrics()[dropped] == 1, "the message to be counted as dropped")

        agent.kill()
        shutil.rmtree(self.state)
        agent.write_config(named("first"))
        agent.start()
        wait_until(lambda: agent.metrics()[failed] > 0, "a failed attempt")
        agent.kill()
        agent.write_config(named("second"))
        agent.start()
        self.assertIn("1 unsent message is in the dead letters: there is no receiver 'first' any more",
                      agent.log_since_start())

    def test_a_certificate_that_nobody_vouches_for_is_refused_and_a_missing_file_is_told_at_the_start(self):
        certificate, key = (os.path.join(self.directory.name, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=other.example", "-addext", "subjectAltName=DNS:other.example"],
                       check=True, capture_output=True)
        port = free_port()
        server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate, "-key", key,
                                   "-quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        url = f"https://127.0.0.1:{port}/"
        agent = self.start(configuration(receivers=(
            f'  - {{name: unknown, webhook: {{url: "{url}"}}}}\n'
            f'  - {{name: othername, webhook: {{url: "{url}", tls: {{ca_file: {certificate}}}}}}}')))
        for name, words in (("unknown", "self-signed certificate"), ("othername", "certificate subject name")):
            wait_until(lambda: [line for line in agent.log().splitlines() if f"receiver={name} " in line and words in line],
                       f"the log's word on {name}")
        self.assertIn(f"{url}...: ", agent.log(), "the log says where")
        agent.write_config(configuration(receivers=(
            f'  - {{name: a, webhook: {{url: "{url}", tls: {{ca_file: {self.directory.name}/missing.pem}}}}}}')))
        status, _, body = agent.request("/-/reload", "POST")
        self.assertEqual(status, 500)
        self.assertIn("missing.pem: there is no such file", body.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
