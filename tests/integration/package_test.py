#!/usr/bin/python3
"""The Debian package: what lintian says of it, and its life in a Debian root, from installation over upgrade to purge.

It is made with cpack from the build tree under test. Nothing is installed on this machine and no service is started;
integration.manager does what takes a systemd.
"""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import debian_root, prerequisites  # noqa: E402
from support.harness import BINARY, wait_until  # noqa: E402
from support.packed import later_package, packages  # noqa: E402
from support.unit_sandbox import Unit  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

with open(os.path.join(ROOT, "docs", "install.md")) as page:
    INSTALL = page.read()


def field(package, name):
    answer = subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def names_of(dependencies):
    return [re.split(r"[ |]", entry.strip())[0] for entry in dependencies.split(",")]


def list_files(folder):
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in files:
            path = os.path.join(parent, name)
            found["/" + os.path.relpath(path, folder)] = os.lstat(path)
    return found


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.deb, cls.tar = packages()
        cls.unpacked = os.path.join(cls.folder, "unpacked")
        cls.files = {path: status for path, status in list_files(cls.unpacked).items()
                     if not path.startswith("/DEBIAN")}


class Content(Package):
    def test_lintian_finds_no_error(self):
        answer = subprocess.run(["lintian", "--allow-root", "--no-cfg", "--tag-display-limit", "0", self.deb],
                                capture_output=True, text=True, timeout=120)
        errors = [line for line in answer.stdout.splitlines() if line.startswith("E:")]
        self.assertEqual(errors, [], answer.stdout + answer.stderr)
        self.assertIn(answer.returncode, (0, 2), answer.stderr)

    def test_everything_is_where_a_debian_user_looks_for_it(self):
        for path in ("/usr/bin/sidewatch", "/etc/sidewatch/sidewatch.yaml", "/etc/sidewatch/instance.yaml",
                     "/usr/lib/systemd/system/sidewatch.service", "/usr/lib/systemd/system/sidewatch@.service",
                     "/usr/share/man/man1/sidewatch.1.gz", "/usr/share/bash-completion/completions/sidewatch",
                     "/usr/share/zsh/vendor-completions/_sidewatch",
                     "/usr/share/fish/vendor_completions.d/sidewatch.fish",
                     "/usr/share/doc/sidewatch/README.md", "/usr/share/doc/sidewatch/docs/configuration.md",
                     "/usr/share/doc/sidewatch/copyright", "/usr/share/doc/sidewatch/changelog.Debian.gz"):
            self.assertIn(path, set(self.files))
        for path, status in self.files.items():
            self.assertEqual((status.st_uid, status.st_gid), (0, 0), path)
            mode = {"/usr/bin/sidewatch": 0o755, "/etc/default/sidewatch": 0o600}.get(path, 0o644)
            self.assertEqual(stat.S_IMODE(status.st_mode), mode, path)
        with open(os.path.join(self.unpacked, "DEBIAN", "conffiles")) as file:
            self.assertEqual(set(file.read().split()), {path for path in self.files if path.startswith("/etc/")})

    def test_every_link_of_every_page_leads_to_a_file_of_the_package(self):
        pages = [path for path in self.files if path.startswith("/usr/share/doc/") and path.endswith(".md")]
        self.assertGreater(len(pages), 30)
        for page in pages:
            with open(self.unpacked + page) as file:
                for target in re.findall(r"\]\(([^)#\s]+)", file.read()):
                    if not re.match(r"[a-z]+:", target):
                        self.assertIn(os.path.normpath(os.path.join(os.path.dirname(page), target)), set(self.files), page)

    def test_what_a_service_includes_compiles_as_it_is_installed(self):
        for compiler, language, name in (("cc", "c", "sidewatch.h"), ("c++", "c++", "sidewatch.hpp")):
            answer = subprocess.run([compiler, "-fsyntax-only", "-Wall", "-Werror", f"-x{language}",
                                     f"-I{self.unpacked}/usr/include", "-"], input=f"#include <{name}>\n",
                                    capture_output=True, text=True, timeout=120)
            self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_the_chart_is_whole(self):
        chart = os.path.join(ROOT, "helm", "sidewatch")
        self.assertEqual({path for path in self.files if path.startswith("/usr/share/sidewatch/helm/")},
                         {"/usr/share/sidewatch/helm/sidewatch" + path for path in list_files(chart)})

    def test_its_description_names_every_way_of_telling(self):
        for word in ("chat", "mail", "pager", "webhook"):
            self.assertIn(word, field(self.deb, "Description"))

    def test_what_the_units_name_is_in_the_package(self):
        for name in ("sidewatch.service", "sidewatch@.service"):
            with open(f"{self.unpacked}/usr/lib/systemd/system/{name}") as file:
                text = file.read()
            named = re.findall(r"/(?:usr|etc/sidewatch)/[\w./-]+\.(?:yaml|md)|/usr/bin/sidewatch", text)
            self.assertGreaterEqual(len(named), 3)
            for path in named:
                self.assertIn(path, set(self.files), name)

    def test_the_program_is_stripped_and_its_libraries_are_asked_for(self):
        sections = subprocess.run(["readelf", "--section-headers", "--wide", self.unpacked + "/usr/bin/sidewatch"],
                                  capture_output=True, text=True, check=True).stdout
        self.assertNotIn(".debug_info", sections)
        depends = names_of(field(self.deb, "Depends"))
        for library in ("libc6", "libcurl4", "libsqlite3-0", "libssl3", "adduser"):
            self.assertIn(library, depends)
        self.assertEqual([name for name in depends if name.endswith("-dev")], [])

    def test_its_version_is_that_of_the_program_and_of_the_changelog(self):
        program = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        with open(os.path.join(ROOT, "packaging", "debian", "changelog")) as file:
            changelog = re.match(r"sidewatch \((\S+)\) ", file.read())[1]
        self.assertEqual(field(self.deb, "Version"), program + "-1")
        self.assertEqual(changelog, program + "-1")

    def test_the_manual_page_is_good_troff_and_has_every_option(self):
        page = subprocess.run(["man", "--local-file", "--warnings",
                               self.unpacked + "/usr/share/man/man1/sidewatch.1.gz"], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="200", MAN_KEEP_FORMATTING=""))
        self.assertEqual((page.returncode, page.stderr), (0, ""))
        text = re.sub(r".\x08", "", page.stdout)
        help_text = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
        commands = re.findall(r"^  ([a-z-]+) ", help_text.partition("Subcommands:")[2].partition("Examples")[0], re.M)
        self.assertGreater(len(commands), 5)
        for command in commands:
            self.assertRegex(text, rf"(?m)^ +sidewatch {command}\b")
            own = subprocess.run([BINARY, command, "--help"], capture_output=True, text=True, check=True).stdout
            for option in re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", own, re.M):
                self.assertIn(option, text, command)

    def test_the_tar_file_holds_the_same(self):
        names = subprocess.run(["tar", "-tzf", self.tar], capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual({"/" + name.partition("/")[2] for name in names if not name.endswith("/")}, set(self.files))
        # /lib, /bin and /sbin are links of Debian's: a folder of that name in the file would take the place of the link.
        self.assertEqual({name.split("/")[1] for name in names if name.count("/") > 1}, {"etc", "usr"})


class Life(Package):
    """One life from beginning to end, each stage on the one before."""

    def setUp(self):
        prerequisites.need(debian_root.reason_against(debian_root.packages_of(BINARY)))
        self.root = debian_root.DebianRoot(debian_root.packages_of(BINARY))
        self.addCleanup(self.root.remove)
        # As debootstrap roots are made for: no service is started in them.
        policy = self.root.inside("/usr/sbin/policy-rc.d")
        with open(policy, "w") as file:
            file.write("#!/bin/sh\nexit 101\n")
        os.chmod(policy, 0o755)
        self.log = open(os.path.join(self.root.path, "agent.log"), "w+")
        self.addCleanup(self.log.close)

    def install(self, deb):
        shutil.copy(deb, self.root.inside("/package.deb"))
        return self.root.run("dpkg", "--force-confdef", "--force-confold", "--install", "/package.deb").stdout

    def start(self):
        """As sidewatch.service would: its command, its user, no rights, its state directory."""
        unit = Unit(self.root.inside("/usr/lib/systemd/system/sidewatch.service"))
        user, state = unit.last("User"), "/var/lib/" + unit.last("StateDirectory")
        self.root.run("install", "-d", "-o", user, "-g", unit.last("Group"), "-m", unit.last("StateDirectoryMode"),
                      state)
        process = self.root.start(
            "setpriv", f"--reuid={user}", f"--regid={unit.last('Group')}", "--clear-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all", *unit.last("ExecStart").split(), log=self.log,
            environment={"STATE_DIRECTORY": state})
        self.addCleanup(self.end, process)
        wait_until(lambda: process.poll() is not None or self.ask(process, "node_load1").returncode == 0,
                   "the agent to serve")
        self.log.seek(0)
        self.assertIsNone(process.poll(), self.log.read())
        return process

    def ask(self, process, expression):
        return self.root.beside(process, "/usr/bin/sidewatch", "query", expression)

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=30), 0)

    def unpack(self, upgrade):
        """The tar file, as docs/install.md has it."""
        first, later = re.findall(r"sudo (tar -xzf \S+ .* -C /)\n", INSTALL)
        self.root.run("sh", "-ec", re.sub(r"-xzf \S+", "-xzf /packed.tar.gz", later if upgrade else first))

    def names_left(self):
        """What of this package is in the root, but for what the tests and dpkg's own log put there."""
        answer = self.root.run("find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-path", "/dev", "-prune", "-o",
                               "-name", "*sidewatch*", "-print")
        return sorted(answer.stdout.split())

    def test_from_installation_to_purge(self):
        root = self.root
        self.install(self.deb)
        entry = root.run("getent", "passwd", "sidewatch").stdout.strip().split(":")
        self.assertTrue(100 <= int(entry[2]) < 1000, entry)
        self.assertIn(entry[6], ("/usr/sbin/nologin", "/bin/false"))
        folder = os.stat(root.inside("/etc/sidewatch"))
        self.assertEqual((stat.S_IMODE(folder.st_mode), folder.st_uid, folder.st_gid), (0o750, 0, int(entry[3])))
        self.assertTrue(root.exists("/etc/systemd/system/multi-user.target.wants/sidewatch.service"), "it is enabled")
        self.assertFalse(any("sidewatch@" in name for name in os.listdir(root.inside("/etc/systemd/system"))))
        self.assertIn("Serves http://127.0.0.1:9766/metrics",
                      root.run("sidewatch", "check", "/etc/sidewatch/sidewatch.yaml").stdout)
        variable, words = re.search(r"sudo (SIDEWATCH_UNIT=\S+) (sidewatch check /etc/sidewatch/instance.yaml) ",
                                    INSTALL).groups()
        self.assertIn("unit nginx.service", root.run("env", variable, *words.split()).stdout)

        # A secret that is written as the page says is root's alone, for the machine and for an instance.
        defaults = root.inside("/etc/default/sidewatch")
        root.run("sh", "-c", re.search(r"(echo 'WEBHOOK_URL=.*)", INSTALL)[1].replace("sudo ", ""))
        root.run(*re.search(r"sudo (install -m 0600 /dev/null \S+)`", INSTALL)[1].replace("NAME", "nginx").split())
        for path in (defaults, defaults + "-nginx"):
            status = os.stat(path)
            self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid), (0o600, 0), path)
        self.assertRegex(root.read("/etc/default/sidewatch"), r"(?m)^WEBHOOK_URL=")

        process = self.start()
        wait_until(lambda: "1" in self.ask(process, 'namedprocess_namegroup_num_procs{groupname="sidewatch"}').stdout,
                   "the agent to see itself")
        self.assertIn("node_memory_MemTotal_bytes", self.ask(process, "node_memory_MemTotal_bytes > 1e6").stdout)

        # Upgraded while it runs. What the administrator changed stays, what nobody changed is replaced.
        with open(root.inside("/etc/sidewatch/sidewatch.yaml"), "a") as file:
            file.write("# Changed by the administrator.\n")
        os.chmod(root.inside("/etc/sidewatch"), 0o755)  # as is this
        said = self.install(later_package())
        self.assertIn("9.0.0-1", said)
        self.assertTrue(root.read("/etc/sidewatch/sidewatch.yaml").endswith("# Changed by the administrator.\n"))
        self.assertTrue(root.read("/etc/sidewatch/sidewatch.yaml.dpkg-dist").endswith("# Shipped with 9.0.0.\n"))
        self.assertTrue(root.read("/etc/sidewatch/instance.yaml").endswith("# Shipped with 9.0.0.\n"))
        self.assertEqual(stat.S_IMODE(os.stat(root.inside("/etc/sidewatch")).st_mode), 0o755)
        self.assertIsNone(process.poll(), "an upgrade does not kill what runs; with systemd it is restarted")
        self.end(process)
        process = self.start()
        self.end(process)
        self.assertTrue(os.listdir(root.inside("/var/lib/sidewatch")))

        root.run("systemctl", "enable", "sidewatch@nginx")
        self.assertTrue(root.exists("/etc/systemd/system/nginx.service.wants/sidewatch@nginx.service"))
        root.run("dpkg", "--remove", "sidewatch")
        for path in ("/usr/bin/sidewatch", "/usr/lib/systemd/system/sidewatch.service"):
            self.assertFalse(root.exists(path), path)
        self.assertTrue(root.read("/etc/sidewatch/sidewatch.yaml").endswith("# Changed by the administrator.\n"))
        self.assertTrue(os.listdir(root.inside("/var/lib/sidewatch")), "removed, it could be installed again")

        os.makedirs(root.inside("/var/lib/sidewatch@nginx"))
        with open(root.inside("/etc/default/sidewatch-nginx"), "w") as file:
            file.write("SIDEWATCH_LISTEN=127.0.0.1:9768\n")
        root.run("dpkg", "--purge", "sidewatch")
        self.assertEqual(self.names_left(), [])
        self.assertNotEqual(root.run("getent", "passwd", "sidewatch", check=False).returncode, 0)
        self.assertNotIn("sidewatch", root.run("dpkg-query", "--show").stdout)

        # The tar file, unpacked as docs/install.md has it, whoever packed it.
        shutil.copy(self.tar, root.inside("/packed.tar.gz"))
        before = {path: os.lstat(root.inside(path)) for path in ("/", "/etc", "/usr", "/usr/bin", "/lib", "/bin")}
        self.unpack(upgrade=False)
        for path, status in before.items():
            now = os.lstat(root.inside(path))
            self.assertEqual((now.st_mode, now.st_uid, now.st_ino), (status.st_mode, status.st_uid, status.st_ino), path)
        self.assertEqual(os.stat(root.inside("/usr/bin/sidewatch")).st_uid, 0)
        self.assertIn("sidewatch", root.run("sidewatch", "--version").stdout)
        for line in re.findall(r"(?m)^    (sudo useradd .*|sudo chown root:sidewatch .*)$", INSTALL):
            root.run("sh", "-ec", line.replace("sudo ", ""))
        folder = os.stat(root.inside("/etc/sidewatch"))
        group = root.run("getent", "group", "sidewatch").stdout.split(":")[2]
        self.assertEqual((stat.S_IMODE(folder.st_mode), folder.st_uid, folder.st_gid), (0o750, 0, int(group)))
        self.assertEqual(stat.S_IMODE(os.stat(defaults).st_mode), 0o600)

        # Unpacked again, over what the administrator changed and over the program.
        changed = ("/etc/sidewatch/sidewatch.yaml", "/etc/default/sidewatch")
        for name in changed:
            with open(root.inside(name), "a") as file:
                file.write("# Changed by the administrator.\n")
        size = os.path.getsize(root.inside("/usr/bin/sidewatch"))
        os.truncate(root.inside("/usr/bin/sidewatch"), 0)
        self.unpack(upgrade=True)
        for name in changed:
            self.assertTrue(root.read(name).endswith("# Changed by the administrator.\n"), name)
        self.assertEqual(os.path.getsize(root.inside("/usr/bin/sidewatch")), size)
        self.assertEqual(stat.S_IMODE(os.stat(root.inside("/etc/sidewatch")).st_mode), 0o750)


if __name__ == "__main__":
    unittest.main(verbosity=2)
