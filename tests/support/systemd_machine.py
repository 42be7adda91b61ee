"""A real systemd, as process 1 of a Debian root with namespaces of its own: for what only the manager itself can show.

It sees a machine with its own processes, network, hostname and cgroups. The kernel is shared, so what would change that
is out of its reach: /proc/sys and /sys cannot be written, the units that set up a machine are masked, and it may load
no module and set no clock. It is ended by killing its process 1, with which the kernel ends all the others.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from support import debian_root
from support.harness import wait_until

BOOT_DEADLINE = 60.0

CLONE_NEWNET = 0x40000000

# The folders of $CGROUPS become what the cgroup namespace of "$@" has for roots. What will be systemd enters them by itself:
# beside anything else in there it could pass no controller of cgroups v2 on to its services.
ENTER_CGROUPS = 'for folder in $CGROUPS; do echo 0 > "$folder/cgroup.procs" || exit; done; exec unshare --cgroup "$@"'

BOOT = """
mount --bind "$0" "$0" && cd "$0" &&
mount -t proc proc proc && mount -t sysfs -o ro sysfs sys && mount -t tmpfs -o mode=755 tmpfs dev &&
for name in sys sysrq-trigger irq bus; do
  if [ -e proc/$name ]; then mount --bind proc/$name proc/$name && mount -o remount,bind,ro proc/$name || exit; fi
done &&
for name in null zero full random urandom tty; do : > dev/$name && mount --bind /dev/$name dev/$name || exit; done &&
mkdir dev/pts dev/shm && mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts && ln -s pts/ptmx dev/ptmx &&
ln -s /proc/self/fd dev/fd && mount -t tmpfs -o mode=1777 tmpfs dev/shm &&
mount -t tmpfs -o mode=755 tmpfs run && mount -t tmpfs -o mode=1777 tmpfs tmp && eval "$MOUNT_CGROUPS" &&
hostname sidewatch-test && pivot_root . . && umount -l . && mount --make-rshared / &&
exec env -i container=sidewatch-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-sys_boot \
  /lib/systemd/systemd --system --show-status=no --unit=multi-user.target
"""

# Of what Debian starts with every machine, this alone.
KEPT = {"systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket"}

NAMESPACES = ("--mount", "--pid", "--cgroup", "--ipc", "--uts", "--net")


def reason_against(packages):
    """Why there can be none here, or None."""
    answer = subprocess.run(["unshare", *NAMESPACES, "--fork", "true"], capture_output=True, text=True)
    if os.geteuid() != 0 or answer.returncode != 0:
        return f"needs root and namespaces: {answer.stderr.strip()}"
    return debian_root.reason_against(packages)


def lack_of_cgroups():
    """Why no systemd could have cgroups of its own here, or None. What runs this machine decides it: no setup can mend it."""
    try:
        Cgroups().remove()
    except OSError as error:
        return f"no cgroups that a systemd could use: {error}"
    return None


# What the machine mounts of cgroups v1, and what systemd takes beside it where it is there (of v2 in any case): without one
# of its own it would make its cgroups in this machine's.
MOUNTED = {"name=systemd", "memory", "cpu", "cpuacct", "pids"}
TAKEN = MOUNTED | {"devices", "blkio"}
UNIFIED = ""  # the name of v2


def hierarchies():
    """({name: where this process is in it}, {name: where this machine has it mounted}) of all hierarchies."""
    with open("/proc/self/cgroup") as file:
        own = {names: path for _, names, path in (line.rstrip("\n").split(":", 2) for line in file)}
    mounts = {}
    with open("/proc/self/mountinfo") as file:
        for place, _, kind in (line.rstrip("\n").partition(" - ") for line in file):
            filesystem, _, options = kind.split()[:3]
            if filesystem == "cgroup":
                names = next((names for names in own if names and set(names.split(",")) <= set(options.split(","))), None)
                mounts.setdefault(names, place.split()[4])
            elif filesystem == "cgroup2":
                mounts.setdefault(UNIFIED, place.split()[4])
    return own, mounts


def passes_on(folder):
    """Whether what is made in this cgroup of v2 gets the controllers that the units ask for."""
    try:
        with open(os.path.join(folder, "cgroup.subtree_control")) as file:
            return {"memory", "pids"} <= set(file.read().split())
    except OSError:  # of v1
        return False


def place_for(mounted, own):
    """Below which cgroup a new one is made: this process's own. Where that one has no controllers of v2 for those below it,
    as a session of systemd's has none, it is the nearest above that has."""
    below = mounted + own.rstrip("/")
    if not os.path.isdir(below):
        return mounted
    above = below
    while above != mounted and not passes_on(above):
        above = os.path.dirname(above)
    return above if passes_on(above) else below


def words_to_mount(names):
    folder = names.removeprefix("name=")
    yield f"mkdir sys/fs/cgroup/{folder}"
    yield f"mount -t cgroup -o {f'none,{names}' if names.startswith('name=') else names} cgroup sys/fs/cgroup/{folder}"
    if "," in names:
        yield from (f"ln -s {folder} sys/fs/cgroup/{name}" for name in names.split(","))


class Cgroups:
    """A cgroup of its own in each hierarchy that systemd uses, and the words that mount them in the new machine.

    `folders` are {name of the hierarchy: its cgroup}; `controllers` hold what systemd starts to its limits.
    """

    def __init__(self):
        own, mounts = hierarchies()
        names = [each for each in mounts if each and TAKEN & set(each.split(","))]
        is_unified = "name=systemd" not in names
        if is_unified:
            if UNIFIED not in mounts:
                raise FileNotFoundError("none is mounted")
            names = []
            words = ["mount -t cgroup2 cgroup2 sys/fs/cgroup"]
        else:
            words = ["mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup"]
            words += [word for each in names if MOUNTED & set(each.split(",")) for word in words_to_mount(each)]
        self.mount_words = " && ".join(words)
        self.controllers = {name for each in names for name in each.split(",")}
        self.folders = {}
        try:
            for each in [*names, *({UNIFIED} & set(mounts))]:
                self.folders[each] = tempfile.mkdtemp(prefix="sidewatch-test-", dir=place_for(mounts[each], own[each]))
        except OSError:
            self.remove()
            raise
        if is_unified:
            with open(os.path.join(self.folders[UNIFIED], "cgroup.controllers")) as file:
                self.controllers = set(file.read().split())

    def remove(self):
        for folder in self.folders.values():
            for parent, _, _ in os.walk(folder, topdown=False):
                # What ran in it has been killed, and the kernel takes a moment to bury it.
                wait_until(lambda: self.is_removed(parent), f"the end of the cgroup {parent}")

    @staticmethod
    def is_removed(folder):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True


class Machine:
    def __init__(self, packages):
        self.root = debian_root.DebianRoot(packages)
        self.process = self.systemd = self.cgroups = None
        units, own = self.inside("/lib/systemd/system"), self.inside("/etc/systemd/system")
        for folder in os.listdir(own):
            if folder.endswith(".wants"):
                shutil.rmtree(os.path.join(own, folder))
        for folder in os.listdir(units):
            if folder.endswith(".wants"):
                for name in set(os.listdir(os.path.join(units, folder))) - KEPT:
                    self.write(f"/etc/systemd/system/{name}", None)
        self.write("/etc/systemd/system/systemd-journald-audit.socket", None)
        self.write("/etc/systemd/journald.conf", "[Journal]\nAudit=no\nRateLimitBurst=0\n")

    def inside(self, path):
        return self.root.inside(path)

    def write(self, path, text):
        """A file in there; None masks a unit."""
        os.makedirs(os.path.dirname(self.inside(path)), exist_ok=True)
        if text is None:
            if not os.path.lexists(self.inside(path)):
                os.symlink("/dev/null", self.inside(path))
            return
        with open(self.inside(path), "w") as file:
            file.write(text)

    def boot(self, environment=None):
        """`environment` is what every service gets."""
        if environment:
            words = " ".join(f'"{key}={value}"' for key, value in environment.items())
            self.write("/etc/systemd/system.conf.d/test.conf", f"[Manager]\nDefaultEnvironment={words}\n")
        self.cgroups = Cgroups()
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL",  # not to outlive a test that is killed
             "unshare", *(name for name in NAMESPACES if name != "--cgroup"), "--propagation", "private", "--fork",
             "--kill-child", sys.executable, "-ISc", debian_root.LOOPBACK_UP, "sh", "-c", ENTER_CGROUPS, "sh",
             "sh", "-c", BOOT, self.root.path],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={"PATH": os.environ["PATH"], "CGROUPS": " ".join(self.cgroups.folders.values()),
                 "MOUNT_CGROUPS": self.cgroups.mount_words})
        wait_until(self.is_up, "systemd to be up", deadline=BOOT_DEADLINE, pause=0.2)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"systemd has ended: {self.log.read()}")
        self.systemd = self.systemd or self.first_process()
        if not self.systemd or not os.path.exists(f"/proc/{self.systemd}/root/run/systemd/private"):
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def first_process(self):
        """What has the number 1 in there, by its number out here, once it is systemd."""
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/status") as file:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            except (OSError, ValueError):
                continue
            if status.get("PPid") == str(self.process.pid) and status.get("Name") == "systemd":
                return int(name)
        return None

    def run(self, *words, check=True, timeout=120):
        """A command in there, as root at its terminal would give it."""
        answer = subprocess.run(["nsenter", f"--target={self.systemd}", *NAMESPACES, "--root", "--wd", *words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                timeout=timeout, env=debian_root.DebianRoot.environment(None))
        if check and answer.returncode != 0:
            raise AssertionError(f"{' '.join(words)} ended with {answer.returncode}:\n{answer.stdout}")
        return answer

    def show(self, unit, name):
        """A property of a unit, as `systemctl show` has it."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout

    def within_its_network(self, make):
        """What `make()` returns, made by a thread that stands in the machine's network: a socket stays there."""
        made = []

        def enter():
            with open(f"/proc/{self.systemd}/ns/net") as network:
                if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) == 0:
                    made.append(make())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return made[0]

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.systemd or self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=30)
        if self.cgroups:
            self.cgroups.remove()
        self.root.remove()
