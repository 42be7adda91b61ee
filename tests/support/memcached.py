"""A real memcached server."""

import os
import socket

from servers import Server


class Memcached(Server):
    """`options`: more of the command line, ["-m", "8"]."""

    def __init__(self, directory, options=(), login=None, socket_path=None, tls=None):
        super().__init__(directory)
        self.options = list(options)
        self.login = login  # "user:password"
        self.socket_path = socket_path
        self.tls = tls  # a directory with ca.crt, server.crt, server.key

    def command(self):
        words = ["memcached", "-u", "nobody" if os.getuid() == 0 else str(os.getuid()), "-t", "2", *self.options]
        if self.socket_path:
            words += ["-s", self.socket_path, "-a", "0777"]
        else:
            words += ["-l", "127.0.0.1", "-p", str(self.port)]
        if self.tls:
            words += ["-Z", "-o", f"ssl_chain_cert={self.tls}/server.crt,ssl_key={self.tls}/server.key"]
        if self.login:
            path = os.path.join(self.directory, "logins")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.login + "\n")
            words += ["-Y", path]
        return words

    def is_ready(self):
        try:
            Client(self.socket_path or ("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def connect(self):
        client = Client(self.socket_path or ("127.0.0.1", self.port))
        if self.login:
            text = self.login.replace(":", " ")
            assert client.ask(f"set auth 0 0 {len(text)}\r\n{text}") == "STORED"
        return client


class Client:
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.settimeout(30)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def ask(self, text):
        """The first line of the answer."""
        self.socket.sendall(text.encode() + b"\r\n")
        return self.file.readline().decode().rstrip("\r\n")

    def set(self, key, value):
        return self.ask(f"set {key} 0 0 {len(value)}\r\n{value}")

    def get(self, key):
        line = self.ask(f"get {key}")
        if line == "END":
            return None
        value = self.file.readline().decode().rstrip("\r\n")
        assert self.file.readline() == b"END\r\n"
        return value

    def close(self):
        self.file.close()
        self.socket.close()
