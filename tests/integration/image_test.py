#!/usr/bin/python3
"""The Containerfile, carried out stage by stage in Debian roots, and the image that comes of it: small, without root, and
run on a root that cannot be written.

The stage that builds takes long: it is given the program under test, unless SIDEWATCH_LONG_TESTS=1. Everything else is
done as it stands in the file.
"""

import glob
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import containerfile, debian_root, prerequisites  # noqa: E402
from support.harness import BINARY, wait_until  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LONG = os.environ.get("SIDEWATCH_LONG_TESTS") == "1"

MAX_IMAGE_BYTES = 64 << 20

with open(os.path.join(ROOT, "docs", "install.md")) as page:
    INSTALL = page.read()

RUN = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" &&
mount -t proc proc "$0/proc" && mount -t tmpfs -o mode=755 tmpfs "$0/tmp" &&
for folder in $VOLUMES; do
  mount -t tmpfs -o "$(stat --format=uid=%u,gid=%g,mode=%a "$0$folder")" tmpfs "$0$folder" || exit
done &&
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid$CAPABILITIES --inh-caps=-all \
  chroot --userspec="$USER_GROUP" --groups= "$0" "$@"
"""


def sanitized():
    with open(BINARY, "rb") as file:
        return b"__asan_init" in file.read()


# What the stage that builds begins with: debian:bookworm-slim, or a root that has the packages it installs.
PACKAGES = {"adduser"} if LONG else debian_root.packages_of(BINARY)


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        prerequisites.need(debian_root.reason_against(PACKAGES))
        cls.folder = tempfile.mkdtemp(prefix="sidewatch-image-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o755)
        cls.skipped = []
        builder = containerfile.Builder(ROOT, os.path.join(ROOT, ".containerignore"), cls.folder, cls.stage, cls.carry_out)
        cls.instructions = containerfile.read(os.path.join(ROOT, "Containerfile"))
        cls.image = builder.build(cls.instructions)
        cls.settings = cls.image.settings

    @classmethod
    def stage(cls, name):
        if name == "scratch":
            path = os.path.join(cls.folder, "image")
            os.mkdir(path)
            return path
        assert re.fullmatch(rf"debian:{debian_root.release()}(-slim)?", name), name
        cls.build_root = debian_root.DebianRoot(PACKAGES)
        cls.addClassCleanup(cls.build_root.remove)
        return cls.build_root.path

    @classmethod
    def carry_out(cls, root, workdir, command):
        if not LONG and "scripts/setup" in command:
            cls.skipped.append(command)  # the root has these packages
            return
        if not LONG and "cmake --build" in command:
            cls.skipped.append(command)
            program = f"{root}{workdir}/build/release/agent/sidewatch"
            os.makedirs(os.path.dirname(program))
            shutil.copy(BINARY, program)
            return
        cls.build_root.run("sh", "-ec", f"cd {workdir}; {command}", timeout=5400)

    def inside(self, path):
        return os.path.join(self.image.root, path.lstrip("/"))

    def start(self, log, user=None, environment=None, capabilities=()):
        """As an engine with --read-only and --cap-drop=all would, with a new volume where the image declares one: it has
        the owner and the rights that the folder has in the image."""
        command = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, "-ISc",
                   debian_root.LOOPBACK_UP, "sh", "-c", RUN, self.image.root, *self.settings["ENTRYPOINT"],
                   *self.settings["CMD"]]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "VOLUMES": " ".join(self.settings["VOLUME"]), "USER_GROUP": user or self.settings["USER"],
            "CAPABILITIES": "".join(f",+{name}" for name in capabilities),
            "ASAN_OPTIONS": "detect_leaks=0", **(environment or {})})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def beside(self, process, *command):
        uid, gid = self.settings["USER"].split(":")
        return subprocess.run(["nsenter", f"--target={process.pid}", "--mount", "--net", "--root", "--wd=/",
                               f"--setuid={uid}", f"--setgid={gid}", *command], capture_output=True, text=True,
                              timeout=60, env={"ASAN_OPTIONS": "detect_leaks=0"})

    def test_it_runs_on_a_root_that_cannot_be_written_and_says_that_it_is_healthy(self):
        with tempfile.TemporaryFile("w+") as log:
            process = self.start(log)
            self.wait_for_health(process, log)
            with open(f"/proc/{process.pid}/status") as file:
                status = file.read()
            self.assertRegex(status, r"Uid:\t65532\t65532\t65532\t65532\n")
            self.assertRegex(status, r"CapEff:\t0+\n")
            self.assertRegex(status, r"NoNewPrivs:\t1\n")
            listening = self.beside(process, "/usr/bin/sidewatch", "query", "sidewatch_build_info")
            self.assertEqual(listening.returncode, 0, listening.stderr)
            self.assertTrue(os.listdir(f"/proc/{process.pid}/root/var/lib/sidewatch"), "its state is in the volume")
            self.assertEqual(os.listdir(self.inside("/var/lib/sidewatch")), [])
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=30), 0)

    def test_without_an_agent_the_check_fails(self):
        with tempfile.TemporaryFile("w+") as log:
            process = self.start(log, environment={"SIDEWATCH_LISTEN": "127.0.0.1:9999"})
            wait_until(lambda: self.beside(process, "/usr/bin/sidewatch", "query", "--url", "http://127.0.0.1:9999",
                                           "1").returncode == 0, "the agent")
            self.assertEqual(self.beside(process, *self.settings["HEALTHCHECK"]).returncode, 1)

    def test_a_cluster_may_give_it_any_user(self):
        with tempfile.TemporaryFile("w+") as log:
            process = self.start(log, user="1000770000:1000770000")
            self.wait_for_health(process, log)

    def test_root_with_the_one_right_that_the_page_adds_can_write_to_the_volume(self):
        row = re.search(r"(?m)^\| I/O and open files .*\| `--cap-add=(\w+) --user (\w+)`", INSTALL)
        with tempfile.TemporaryFile("w+") as log:
            self.wait_for_health(self.start(log, user=f"{row[2]}:{row[2]}", capabilities=[row[1].lower()]), log)

    def wait_for_health(self, process, log):
        def is_healthy():
            if process.poll() is not None:
                log.seek(0)
                self.fail(log.read())
            return self.beside(process, *self.settings["HEALTHCHECK"]).returncode == 0

        wait_until(is_healthy, "a good health")

    def test_every_library_finds_what_it_is_linked_with_in_the_image(self):
        loader, = glob.glob(self.inside("/lib64/ld-linux*"))
        loader = "/" + os.path.relpath(loader, self.image.root)
        files = [path for path in glob.glob(self.inside("/**/*.so*"), recursive=True) if not path.endswith(loader)]
        self.assertGreater(len(files), 30)
        for path in [self.inside("/usr/bin/sidewatch"), *files]:
            name = "/" + os.path.relpath(path, self.image.root)
            answer = subprocess.run(["chroot", self.image.root, loader, "--list", name], capture_output=True, text=True)
            self.assertEqual(answer.returncode, 0, name + answer.stderr)
            self.assertNotIn("not found", answer.stdout, name)

    def test_it_has_what_the_program_loads_by_itself(self):
        loaded = set()
        for path in glob.glob(os.path.join(ROOT, "*", "**", "*.cpp"), recursive=True):
            if not os.path.relpath(path, ROOT).startswith(("tests", "build")):
                with open(path) as file:
                    loaded |= set(re.findall(r'SharedLibrary::load\("([^"]+)"', file.read()))
        self.assertGreaterEqual(len(loaded), 4)
        for name in loaded:
            self.assertTrue(glob.glob(self.inside(f"/**/{name}"), recursive=True), name)

    def test_it_trusts_the_certificates_that_debian_trusts(self):
        folder = self.inside("/etc/ssl/certs")
        links = [name for name in os.listdir(folder) if re.fullmatch(r"[0-9a-f]{8}\.\d", name)]
        self.assertGreater(len(links), 100)
        for name in links:
            path = os.path.join(folder, name)
            for _ in range(3):
                if os.path.islink(path):
                    target = os.readlink(path)
                    path = self.inside(target) if target.startswith("/") else os.path.join(os.path.dirname(path), target)
            self.assertTrue(os.path.isfile(path), name)

    def test_every_package_that_it_is_filled_from_is_asked_for_by_name(self):
        """The stage that builds must not rely on what its base or another package happens to bring."""
        line, = (step.words for step in self.instructions if step.name == "RUN" and "apt-get install" in step.words)
        named = set(line.split("apt-get install")[1].split())
        with open(os.path.join(ROOT, "packaging", "image_root")) as file:
            copied = [path for words in re.findall(r"(?m)^cp -a (.*) ", file.read()) for path in words.split()]
        self.assertGreaterEqual(len(copied), 4)
        generated = {"/etc/ssl/certs": "/usr/sbin/update-ca-certificates"}  # by the package of this program
        for path in copied:
            answer = self.build_root.run("dpkg-query", "--search", generated.get(path, path)).stdout
            owners = set(answer.strip().splitlines()[-1].split(": ")[0].split(", "))
            self.assertTrue(owners & named, f"{path} is of {owners}")

    def test_the_pages_say_how_large_it_is(self):
        found = []
        for name in ("install.md", "kubernetes.md"):
            with open(os.path.join(ROOT, "docs", name)) as file:
                found += re.findall(r"(?:image has |\[)(\d+) MiB", file.read())
        self.assertEqual(len(found), 2)
        self.assertEqual(len(set(found)), 1, "one figure for one image")
        if LONG:  # otherwise the program is not the one that is shipped
            self.assertAlmostEqual(self.size() / (1 << 20), float(found[0]), delta=2)

    def test_it_knows_the_time_zones(self):
        for name in ("Europe/Berlin", "America/New_York"):
            with open(os.path.realpath(self.inside(f"/usr/share/zoneinfo/{name}")), "rb") as file:
                self.assertEqual(file.read(4), b"TZif", name)
        self.assertFalse(os.path.lexists(self.inside("/usr/share/zoneinfo/localtime")))

    def size(self):
        return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, files in os.walk(self.image.root)
                   for name in files)

    def test_it_is_small_and_holds_nothing_to_break_in_with(self):
        size = self.size()
        for folder, _, files in os.walk(self.image.root):
            for name in files:
                status = os.lstat(os.path.join(folder, name))
                self.assertEqual(status.st_mode & (stat.S_ISUID | stat.S_ISGID), 0, name)
                self.assertEqual(status.st_uid, 0, name)
                self.assertTrue(stat.S_ISLNK(status.st_mode) or not status.st_mode & 0o022, name)
        self.assertEqual(os.listdir(self.inside("/usr/bin")), ["sidewatch"])
        for shell in ("/bin", "/sbin", "/usr/sbin"):
            self.assertFalse(os.path.exists(self.inside(shell)), shell)
        print(f"\nthe image holds {size / (1 << 20):.1f} MiB")
        if not sanitized():
            self.assertLess(size, MAX_IMAGE_BYTES)

    def test_the_file_says_what_clusters_and_the_chart_rely_on(self):
        self.assertEqual(self.settings["USER"], "65532:65532")
        self.assertEqual(self.settings["EXPOSE"], ["9766"])
        self.assertEqual(self.settings["VOLUME"], ["/var/lib/sidewatch"])
        self.assertEqual([*self.settings["ENTRYPOINT"], *self.settings["CMD"]],
                         ["/usr/bin/sidewatch", "run", "--config", "/etc/sidewatch/sidewatch.yaml"])
        self.assertEqual(len(self.skipped), 0 if LONG else 2, self.skipped)

    def test_what_is_sent_to_the_builder_is_the_project_and_no_more(self):
        sent = containerfile.context(ROOT, os.path.join(ROOT, ".containerignore"))
        self.assertIn("CMakeLists.txt", sent)
        self.assertIn("packaging/image_root", sent)
        self.assertEqual([name for name in sent if name.startswith((".git/", "build/")) or "node_modules" in name], [])
        self.assertEqual(os.readlink(os.path.join(ROOT, ".dockerignore")), ".containerignore")


if __name__ == "__main__":
    unittest.main(verbosity=2)
