"""Keys of TLS clients that are encrypted with a passphrase: nobody is asked for it, and the log says what to do.

The agent runs on a terminal of its own, on which a library would ask.
"""

import os
import pty
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import certify  # noqa: E402
from fake_mysql import CAPABILITIES, CLIENT_SSL, FakeMysql, greeting  # noqa: E402
from harness import BINARY, temporary_directory, wait_until  # noqa: E402
from impostor import Impostor  # noqa: E402

CONFIG = """
agent: {{interval: 500ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  {engine}:
    - {{name: main, {where}, tls: {{mode: require, cert: "{keys}/client.crt", key: "{keys}/locked.key"}}}}
"""
ADVICE = "the private key is encrypted with a passphrase"


class Terminal:
    """The agent on a terminal: `text` is what it wrote there."""

    def __init__(self, config_path):
        self.text = ""
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.execv(BINARY, [BINARY, "run", "--config", config_path])
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                more = os.read(self.end, 4096)
            except OSError:
                return
            if not more:
                return
            self.text += more.decode(errors="replace")

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.end)


class OfKeys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = temporary_directory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.keys = cls.temporary.name
        certify(cls.keys)
        locked = os.path.join(cls.keys, "locked.key")
        subprocess.run(["openssl", "pkey", "-in", "client.key", "-aes256", "-passout", "pass:secret", "-out", locked],
                       check=True, cwd=cls.keys, capture_output=True, stdin=subprocess.DEVNULL)
        os.chmod(locked, 0o600)

    def assert_refused(self, engine, where):
        path = os.path.join(self.keys, engine + ".yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(engine=engine, where=where, keys=self.keys))
        terminal = Terminal(path)
        try:
            wait_until(lambda: ADVICE in terminal.text or "phrase:" in terminal.text, "what is said of the key")
        finally:
            text = terminal.text
            terminal.stop()
        self.assertNotIn("phrase:", text)
        self.assertIn("locked.key", text)
        self.assertIn("openssl pkey -in KEY -out NEW_KEY", text)

    def test_of_redis(self):
        server = Impostor(b"")
        self.addCleanup(server.stop)
        self.assert_refused("redis", f"address: 127.0.0.1:{server.port}")

    def test_of_postgresql(self):
        server = Impostor(b"S")  # yes, TLS
        self.addCleanup(server.stop)
        self.assert_refused("postgresql", f'dsn: "host=127.0.0.1 port={server.port} dbname=shop user=sidewatch"')

    def test_of_mysql(self):
        def behave(conversation):
            conversation.send(greeting(capabilities=CAPABILITIES | CLIENT_SSL))
            conversation.receive()
        server = FakeMysql(behave)
        self.addCleanup(server.stop)
        self.assert_refused("mysql", f"address: 127.0.0.1:{server.port}, user: sidewatch")


if __name__ == "__main__":
    unittest.main(verbosity=2)
