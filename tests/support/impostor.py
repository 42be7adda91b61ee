"""Who listens where a server should, and is none."""

import socket
import threading
import time


class Impostor:
    """Takes connections and says the same to each, whatever it is asked."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.taken.append(connection)
            try:
                if self.answer:
                    connection.recv(4096)
                    connection.sendall(self.answer)
            except OSError:
                pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.taken:
            connection.close()


class Scripted(Impostor):
    """Answers each command of Redis' protocol by its first words: {"INFO": bytes}; what is not in there gets +OK.

    `delays`: seconds that an answer takes, {"TYPE": 0.02}. `asked` has the first words of all commands, in order.
    """

    def __init__(self, answers, delays=None):
        self.answers = answers
        self.delays = delays or {}
        self.asked = []
        super().__init__(b"")

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.taken.append(connection)
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        try:
            with connection.makefile("rb") as file:
                while True:
                    count = int(file.readline()[1:])
                    words = []
                    for _ in range(count):
                        words.append(file.read(int(file.readline()[1:]) + 2)[:-2].decode())
                    self.asked.append(" ".join(words[:2]))
                    time.sleep(self.delays.get(words[0], 0))
                    answers = [self.answers[key] for key in (" ".join(words[:2]), words[0]) if key in self.answers]
                    connection.sendall(answers[0] if answers else b"+OK\r\n")
        except (OSError, ValueError):
            pass  # the other side has gone
