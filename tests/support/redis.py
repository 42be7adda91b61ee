"""A real Redis server: as a primary, a replica, a Sentinel or the only node of a cluster."""

import os
import socket

from servers import Server, free_port


class Redis(Server):
    """`options`: more of the command line, {"maxmemory": "3mb"}. What is asked goes over one plain connection each."""

    program = "redis-server"

    def __init__(self, directory, options=None, password=None, tls=None):
        super().__init__(directory)
        self.options = dict(options or {})
        self.password = password
        self.tls = tls  # a directory with ca.crt, server.crt, server.key; then `port` speaks TLS

    @property
    def socket_path(self):
        return os.path.join(self.directory, "redis.sock")

    def command(self):
        options = {"bind": "127.0.0.1", "port": self.port, "dir": self.directory, "save": "", "daemonize": "no",
                   "unixsocket": self.socket_path}
        if self.password:
            options["requirepass"] = self.password
        if self.tls:
            options.update({"port": 0, "tls-port": self.port, "tls-ca-cert-file": f"{self.tls}/ca.crt",
                            "tls-cert-file": f"{self.tls}/server.crt", "tls-key-file": f"{self.tls}/server.key"})
        if "cluster-enabled" in self.options:
            options["cluster-port"] = free_port()  # else it takes port + 10 000, which may be beyond 65 535
        options.update(self.options)
        words = [self.program]
        for name, value in options.items():
            # A text is one argument even when it is empty; a list is several.
            words += [f"--{name}", *([str(value)] if not isinstance(value, list) else map(str, value))]
        return words

    def is_ready(self):
        try:
            return self.ask("PING") == "PONG"
        except (OSError, RuntimeError) as failure:
            return "NOAUTH" in str(failure)

    def connect(self):
        return Client(self.socket_path)

    def ask(self, *words):
        """The answer to one command; RuntimeError with the server's words when it is an error."""
        client = self.connect()
        try:
            if self.password and words[0] != "PING":
                client.ask("AUTH", self.password)
            return client.ask(*words)
        finally:
            client.close()


class Sentinel(Redis):
    def __init__(self, directory, primary):
        super().__init__(directory)
        self.primary = primary

    def command(self):
        path = os.path.join(self.directory, "sentinel.conf")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"bind 127.0.0.1\nport {self.port}\ndir {self.directory}\nunixsocket {self.socket_path}\n"
                           f"sentinel monitor shop 127.0.0.1 {self.primary.port} 1\n")
        return [self.program, path, "--sentinel"]


class Client:
    """Just enough of the protocol to set a server up and to ask it what is true."""

    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        self.send(*words)
        return self.read()

    def send(self, *words):
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            word = str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))

    def read(self):
        line = self.file.readline()
        if not line:
            raise OSError("the server closed the connection")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"-":
            raise RuntimeError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.file.read(size + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return rest

    def close(self):
        self.file.close()
        self.socket.close()
