"""A real Prometheus Pushgateway (Debian's) for tests, on a free port."""

import http.client

from servers import Server


class RealPushgateway(Server):
    def command(self):
        return ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{self.port}", "--persistence.file=",
                "--log.level=error"]

    def is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
