#!/usr/bin/python3
"""Mails of the real agent to a real mail server (aiosmtpd), over STARTTLS with a login, read with Python's own parser."""

import asyncio
import email
import email.policy
import logging
import os
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Agent, Hog, temporary_directory, wait_until  # noqa: E402

from aiosmtpd.smtp import SMTP, AuthResult  # noqa: E402

logging.disable(logging.CRITICAL)  # a client that does not trust the server ends in its log with a traceback

CONFIG = """
agent: {{interval: 200ms, state_dir: state, host: web-1}}
http: {{listen: "127.0.0.1:0", external_url: "http://agent.example:9766"}}
collectors:
  process: [{{name: hog, match: {{pid_file: hog.pid}}}}]
rules:
  - alert: HogMemory
    expr: namedprocess_namegroup_memory_bytes{{groupname="hog",memtype="resident"}}
    warning: {{above: 100MiB, clear: 80MiB}}
    labels: {{team: Köln}}
    summary: "{{{{ $labels.groupname }}}} hält zu viel"
    description: "<b>{{{{ $value | humanize1024 }}}}B</b>"
receivers:
  - name: mail
    email:
      host: localhost
      port: {port}
      security: {security}
      tls: {{ca_file: certificate.pem}}
      username: agent
      password: "${{file:password}}"
      from: "Wächter <alerts@example.org>"
      to: [oncall@example.org, boss@example.org]
"""


class MailServer:
    """Takes mails from whoever logs in as agent/hunter22, over TLS only."""

    def __init__(self, directory, from_the_first_byte=False):
        self.mails = []  # (envelope, parsed message)
        self._lock = threading.Lock()
        certificate, key = os.path.join(directory, "certificate.pem"), os.path.join(directory, "key.pem")
        if not os.path.exists(certificate):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
                           check=True, capture_output=True, timeout=60)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        how = {"auth_require_tls": False} if from_the_first_byte else {"tls_context": tls, "require_starttls": True}
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._loop.create_server(
            lambda: SMTP(self, loop=self._loop, authenticator=self.authenticate, auth_required=True, **how),
            "127.0.0.1", 0, ssl=tls if from_the_first_byte else None))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    @staticmethod
    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.login == b"agent" and data.password == b"hunter22")

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self._lock:
            self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), message))
        return "250 2.0.0 taken"

    def wait_for(self, count):
        wait_until(lambda: len(self.mails) >= count, f"mail {count}")
        return self.mails[count - 1]

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.close()


class Email(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        with open(os.path.join(self.directory, "password"), "w", encoding="ascii") as file:
            file.write("hunter22\n")
        self.hog = Hog()
        self.addCleanup(self.hog.stop)
        with open(os.path.join(self.directory, "hog.pid"), "w", encoding="ascii") as file:
            file.write(f"{self.hog.pid}\n")

    def start(self, port, security):
        self.agent = Agent(CONFIG.format(port=port, security=security), self.directory)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def test_an_incident_is_two_mails_of_one_conversation(self):
        server = MailServer(self.directory)
        self.addCleanup(server.stop)
        self.start(server.port, "starttls")
        self.hog.hold(120)
        sender, recipients, fired = server.wait_for(1)
        self.assertEqual(sender, "alerts@example.org")
        self.assertEqual(recipients, ["oncall@example.org", "boss@example.org"])
        self.assertEqual(fired["Subject"], "WARNING: hog hält zu viel on web-1")
        self.assertEqual(fired["From"].addresses[0].display_name, "Wächter")
        self.assertEqual([a.addr_spec for a in fired["To"].addresses], recipients)
        self.assertEqual(fired.get_content_type(), "multipart/alternative")
        text = fired.get_body(("plain",)).get_content().replace("\r\n", "\n")
        self.assertRegex(text, r"\n<b>1\d\d(\.\d+)?MiB</b>\n")
        self.assertIn("team=Köln", text)
        self.assertIn("http://agent.example:9766", text)
        html = fired.get_body(("html",)).get_content()
        self.assertIn("&lt;b&gt;1", html)
        self.assertNotIn("<b>", html)

        self.hog.hold(10)
        _, _, resolved = server.wait_for(2)
        self.assertEqual(resolved["Subject"], "RESOLVED: hog hält zu viel on web-1")
        self.assertEqual(resolved["References"], fired["References"])
        self.assertNotEqual(resolved["Message-ID"], fired["Message-ID"])
        self.assertFalse([defect for mail in server.mails for defect in mail[2].defects])

    def test_tls_from_the_first_byte(self):
        server = MailServer(self.directory, from_the_first_byte=True)
        self.addCleanup(server.stop)
        self.start(server.port, "tls")
        self.hog.hold(120)
        self.assertEqual(server.wait_for(1)[2]["Subject"], "WARNING: hog hält zu viel on web-1")

    def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_mail(self):
        server = MailServer(self.directory)
        self.addCleanup(server.stop)
        other = os.path.join(self.directory, "other")
        os.mkdir(other)
        MailServer(other).stop()
        os.replace(os.path.join(other, "certificate.pem"), os.path.join(self.directory, "certificate.pem"))
        self.start(server.port, "starttls")
        self.hog.hold(120)
        wait_until(lambda: "SSL certificate problem" in self.agent.log(), "the log to tell of the certificate")
        self.assertEqual(server.mails, [])
        self.assertNotIn("hunter22", self.agent.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
