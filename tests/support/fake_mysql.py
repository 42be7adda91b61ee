"""A server that speaks just enough of MySQL's protocol to do what no honest server does."""

import socket
import struct
import threading

CLIENT_SSL = 0x800
# protocol 4.1, secure connection, plugin auth, and what a client expects besides
CAPABILITIES = 0x00080000 | 0x00008000 | 0x00002000 | 0x00000200 | 0x00000008 | 0x00000001


def packet(number, payload):
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


def greeting(version=b"5.7.44", capabilities=CAPABILITIES, plugin=b"mysql_native_password"):
    return packet(0, b"\x0a" + version + b"\0" + struct.pack("<I", 7) + b"abcdefgh\0" +
                  struct.pack("<H", capabilities & 0xffff) + b"\x21" + struct.pack("<H", 2) +
                  struct.pack("<H", capabilities >> 16) + b"\x15" + b"\0" * 10 + b"ijklmnopqrst\0" + plugin + b"\0")


OK = b"\0\0\0\2\0\0\0"


class FakeMysql:
    """`behave(conversation)` is called for each connection in a thread of its own; `received` is all that clients sent."""

    def __init__(self, behave):
        self.behave = behave
        self.received = b""
        self.connections = 0
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        try:
            self.behave(Conversation(self, connection))
        except OSError:
            pass

    def stop(self):
        self._listener.close()
        for connection in self._open:
            connection.close()


class Conversation:
    def __init__(self, server, connection):
        self.server = server
        self.connection = connection

    def send(self, data):
        self.connection.sendall(data)

    def receive(self):
        """One packet: its number and its payload."""
        head = self._exactly(4)
        payload = self._exactly(int.from_bytes(head[:3], "little"))
        return head[3], payload

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                raise OSError("closed")
            data += more
            self.server.received += more
        return data

    def drain(self):
        while True:
            more = self.connection.recv(65536)
            if not more:
                return
            self.server.received += more


def silent(conversation):
    conversation.drain()


def garbage(conversation):
    conversation.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    conversation.drain()


def asks_for(path):
    """Lets everybody in, and answers each statement with the wish for a file."""

    def behave(conversation):
        conversation.send(greeting())
        number, _ = conversation.receive()
        conversation.send(packet(number + 1, OK))
        while True:
            conversation.receive()
            conversation.send(packet(1, b"\xfb" + path.encode()))

    return behave


def wants_the_password(conversation):
    """Switches to the way of login that sends the password as it is."""
    conversation.send(greeting())
    number, _ = conversation.receive()
    conversation.send(packet(number + 1, b"\xfemysql_clear_password\0"))
    conversation.drain()


def has_no_tls(conversation):
    conversation.send(greeting())
    conversation.drain()


def text(value):
    return bytes([len(value)]) + value


def result(columns, *rows):
    """An answer to a statement, in packets from number 1 on."""
    payloads = [bytes([len(columns)])]
    payloads += [text(b"def") + text(b"") * 3 + text(name) * 2 + b"\x0c\x21\0" + struct.pack("<IBHB", 255, 0xfd, 0, 0) + b"\0\0"
                 for name in columns]
    payloads.append(b"\xfe\0\0\2\0")
    payloads += [b"".join(text(cell) for cell in row) for row in rows]
    payloads.append(b"\xfe\0\0\2\0")
    return b"".join(packet(number, payload) for number, payload in enumerate(payloads, 1))


def mysql_8(conversation):
    """MySQL 8 as far as the login goes, by caching_sha2_password with a password that it remembers; of its answers only
    the version, a little status, and that all the rest is done."""
    conversation.send(greeting(b"8.0.36", plugin=b"caching_sha2_password"))
    number, login = conversation.receive()
    if b"caching_sha2_password" not in login:
        return
    conversation.send(packet(number + 1, b"\x01\x03") + packet(number + 2, OK))
    while True:
        _, command = conversation.receive()
        if command == b"\x03SELECT VERSION()":
            conversation.send(result([b"VERSION()"], [b"8.0.36-0ubuntu0.22.04.1"]))
        elif command == b"\x03SHOW GLOBAL STATUS":
            conversation.send(result([b"Variable_name", b"Value"], [b"Uptime", b"77"]))
        else:
            conversation.send(packet(1, OK))


def stalls_in_tls(conversation):
    """Offers TLS, and never answers in its handshake."""
    conversation.send(greeting(capabilities=CAPABILITIES | CLIENT_SSL))
    conversation.drain()


def drips(conversation):
    """A greeting that never ends, one byte at a time."""
    conversation.send(greeting()[:4])
    stop = threading.Event()
    while True:
        conversation.send(b"5")
        stop.wait(0.1)
