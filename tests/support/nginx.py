"""nginx for a test: plain and with TLS, on a temporary directory and free ports."""

import os
import socket
import subprocess

from servers import Server, free_port

CONFIG = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000;
  default_type text/plain;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location = /health {{ default_type application/json; return 200 '{{"status": "up", "queue": {{"size": 3}}}}'; }}
    location = /moved {{ return 302 /health; }}
    location = /loop {{ return 302 /loop; }}
    location = /metadata {{ return 302 http://169.254.169.254/latest/meta-data; }}
    location = /broken {{ return 503; }}
    location / {{ return 200 'hello'; }}
  }}
  server {{
    listen 127.0.0.1:{tls_port} ssl;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {certificates}/chain.crt;
    ssl_certificate_key {certificates}/server.key;
    location / {{ return 200 'secure'; }}
  }}
}}
"""


def certify_chain(directory):
    """A root, an authority below it (5 days) and a server's certificate of that (2 days); chain.crt is what is sent."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=directory, capture_output=True, timeout=60)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-days", "9", "-keyout", "root.key", "-out", "root.crt", "-subj", "/CN=root")
    for name, extensions in (("authority", "basicConstraints=critical,CA:TRUE\n"),
                             ("server", "subjectAltName=IP:127.0.0.1,DNS:shop.example\n")):
        with open(os.path.join(directory, name + ".ext"), "w", encoding="utf-8") as file:
            file.write(extensions)
        signer, days = ("root", "5") if name == "authority" else ("authority", "2")
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{signer}.crt", "-CAkey", f"{signer}.key",
                "-CAcreateserial", "-days", days, "-out", f"{name}.crt", "-extfile", f"{name}.ext")
    with open(os.path.join(directory, "chain.crt"), "w", encoding="utf-8") as chain:
        for name in ("server", "authority"):
            with open(os.path.join(directory, name + ".crt"), encoding="utf-8") as part:
                chain.write(part.read())


class Nginx(Server):
    def __init__(self, directory):
        super().__init__(directory)
        self.tls_port = free_port()
        certify_chain(directory)
        with open(os.path.join(directory, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(directory=directory, port=self.port, tls_port=self.tls_port,
                                     certificates=directory))

    @property
    def root(self):
        return os.path.join(self.directory, "root.crt")

    def command(self):
        return ["/usr/sbin/nginx", "-e", "stderr", "-p", self.directory, "-c", os.path.join(self.directory, "nginx.conf")]

    def is_ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
