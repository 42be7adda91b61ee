"""A Debian root in a folder, to install a package in or to build an image in: nothing of it touches the machine.

It is bootstrapped with mmdebstrap from the archives that this machine's own apt is told to use, at this machine's own
release. That takes a minute or two and a mirror, so it is kept as a tar file, the same for all builds of this checkout;
where there is neither, the tests that need it are skipped and say why. Commands run in a mount namespace of their own, and
what serves on a port in a network namespace of its own, so that any port is free.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

CACHE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "debian-roots")
KEPT_DAYS = 14  # what no test took for so long is removed when another is made

ENTER = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'

# Brings the loopback of a new network namespace up, where iproute2 is not installed.
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def reason_against(packages):
    """Why there can be no root with these packages here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    answer = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, text=True)
    if answer.returncode != 0:
        return f"needs namespaces: {answer.stderr.strip()}"
    if os.path.exists(tar_path(packages)):
        return None
    if shutil.which("mmdebstrap") is None:
        return "needs mmdebstrap, which scripts/setup --tests installs"
    return silence_of_the_mirror()


def silence_of_the_mirror():
    """What apt says of a mirror that does not answer, or None. A mirror that answers and fails later is a failure."""
    uri = re.match(r"deb (\S+) (\S+)", sources())
    if not uri:
        return "apt knows no archive of Debian here"
    with tempfile.TemporaryDirectory() as folder:
        answer = subprocess.run(["/usr/lib/apt/apt-helper", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20",
                                 "-o", "Acquire::https::Timeout=20", "download-file",
                                 f"{uri[1]}dists/{uri[2]}/InRelease", os.path.join(folder, "InRelease")],
                                capture_output=True, text=True, timeout=120)
    if answer.returncode == 0:
        return None
    return f"no root of before in build/debian-roots, and no mirror to make one from: {answer.stderr.strip()}"


def release():
    with open("/etc/os-release") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)["VERSION_CODENAME"]


def sources():
    """The archives of Debian that apt knows, as lines of a sources.list."""
    answer = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
                             "Created-By: Packages"], capture_output=True, text=True, check=True)
    return "".join(sorted({line.partition("|")[2] + "\n" for line in answer.stdout.splitlines()
                           if line.startswith("Debian|")}))


def packages_of(program):
    """What the program is linked with and what it loads when that is configured, as Debian's packages; strip; and systemd.

    One set for all tests, so that one root is made.
    """
    answer = subprocess.run(["readelf", "--dynamic", "--wide", program], capture_output=True, text=True, check=True)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", answer.stdout)
    owners = subprocess.run(["dpkg-query", "--search", *(f"*/{name}" for name in needed)], capture_output=True, text=True)
    linked = {line.partition(":")[0] for line in owners.stdout.splitlines() if "-linux-gnu/" in line}
    return {name for name in linked if not name.endswith("-dev")} | {
        "adduser", "binutils", "ca-certificates", "libmariadb3", "libpq5", "libsnappy1v5", "procps", "systemd"}


def tar_path(packages):
    name = hashlib.sha256("\n".join([release(), sources(), *sorted(packages)]).encode()).hexdigest()[:16]
    return os.path.join(os.path.realpath(CACHE), name + ".tar")


def tar_file(packages):
    """Of a minimal root with these packages and what they depend on; made when it is not there."""
    path = tar_path(packages)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.path.join(os.path.dirname(path), "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two tests at a time: the second finds it done
        if not os.path.exists(path):
            bootstrap(packages, path + ".new")
            os.rename(path + ".new", path)
            remove_forgotten(os.path.dirname(path))
        os.utime(path)
    return path


def bootstrap(packages, path):
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=tar",
               "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Languages "none"',
               "--aptopt=Acquire::Retries 3", "--include=" + ",".join(sorted(packages)), release(), path, "-"]
    answer = subprocess.run(command, input=sources(), capture_output=True, text=True, timeout=540)
    if answer.returncode != 0:
        raise AssertionError(f"mmdebstrap: {answer.stderr}")


def remove_forgotten(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(".tar") and time.time() - os.path.getmtime(path) > KEPT_DAYS * 86400:
            os.remove(path)


class DebianRoot:
    def __init__(self, packages):
        self.path = tempfile.mkdtemp(prefix="sidewatch-root-")
        subprocess.run(["tar", "-xf", tar_file(packages), "-C", self.path, "--numeric-owner"], check=True)
        os.chmod(self.path, 0o755)
        if os.path.exists("/etc/resolv.conf"):
            shutil.copy("/etc/resolv.conf", self.inside("/etc/resolv.conf"))

    def inside(self, path):
        return os.path.join(self.path, path.lstrip("/"))

    def exists(self, path):
        return os.path.lexists(self.inside(path))

    def read(self, path):
        with open(self.inside(path)) as file:
            return file.read()

    def command(self, *words):
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, self.path, *words]

    def run(self, *words, check=True, environment=None, **options):
        """A command in there, as root, with nothing of the environment outside."""
        answer = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=options.pop("timeout", 300),
                                env=self.environment(environment), **options)
        if check and answer.returncode != 0:
            raise AssertionError(f"{' '.join(words)} ended with {answer.returncode}:\n{answer.stdout}")
        return answer

    def start(self, *words, log, environment=None):
        """A process in there, in a network of its own."""
        command = ["unshare", "--net", sys.executable, "-ISc", LOOPBACK_UP, *self.command(*words)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                env=self.environment(environment))

    def beside(self, process, *words, timeout=60):
        """A command that sees what this process sees."""
        return subprocess.run(["nsenter", f"--target={process.pid}", "--mount", "--net", "--root", "--wd=/", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                              env=self.environment(None))

    @staticmethod
    def environment(more):
        sanitizer = {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive", **sanitizer, "ASAN_OPTIONS": "detect_leaks=0", **(more or {})}

    def remove(self):
        shutil.rmtree(self.path)
