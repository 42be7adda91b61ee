#!/usr/bin/python3
"""Starts a program as systemd would for a unit file, where there is no systemd that could.

    unit_sandbox.py UNIT --writable DIR --scratch DIR -- PROGRAM [ARGUMENTS]

Must be root. It makes a mount namespace of its own, applies what the unit says, becomes a user without a name and
without a right, and then *is* the program (no fork in between). Each directive stands in one of the tables below: what
this file applies, and what another process of systemd would do or what only cgroups can. One that stands in none of
them ends it, so that no directive is forgotten when the unit changes. A system call that the filter denies kills the
program, whatever SystemCallErrorNumber= says, so that a test cannot overlook one.

Runs on Debian's own Python, where scripts/setup puts python3-seccomp.
"""

import argparse
import ctypes
import errno
import os
import re
import resource
import socket
import stat
import subprocess
import sys

import seccomp

UNIT_USER = 64123  # stands in no passwd file

MS_RDONLY, MS_NOSUID, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC = 1, 2, 8, 32, 4096, 8192, 16384
MS_SLAVE = 1 << 19
CLONE_NEWNS = 0x20000
NAMESPACE_FLAGS = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = -100, 0x8000, 1, 442

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, kind=None, flags=0, data=None):
    encode = lambda text: None if text is None else text.encode()  # noqa: E731
    check(libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)),
          f"mount {source} on {target}")


class MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def read_only(path, yes=True):
    attributes = MountAttributes(MOUNT_ATTR_RDONLY if yes else 0, 0 if yes else MOUNT_ATTR_RDONLY, 0, 0)
    check(libc.syscall(ctypes.c_long(SYS_MOUNT_SETATTR), ctypes.c_int(AT_FDCWD), ctypes.c_char_p(path.encode()),
                       ctypes.c_uint(AT_RECURSIVE), ctypes.byref(attributes), ctypes.c_size_t(32)),
          f"mount_setattr {path}")


def bind_read_only(path):
    if os.path.exists(path):
        mount(path, path, None, MS_BIND | MS_REC)
        read_only(path)


class Unit:
    """[Service] of a unit file: `values[name]` are the values of a directive, in order; an empty one is kept."""

    def __init__(self, path):
        self.values = {}
        section = None
        with open(path) as file:
            for line in file.read().splitlines():
                if re.match(r"\[.*\]$", line):
                    section = line
                elif line and not line.startswith(("#", ";")) and section == "[Service]":
                    name, _, value = line.partition("=")
                    self.values.setdefault(name, []).append(value)

    def last(self, name, default=None):
        return self.values.get(name, [default])[-1]


class Sandbox:
    def __init__(self, unit, writable, scratch):
        self.unit = unit
        self.writable = writable
        self.scratch = scratch
        self.filter = None

    # --- mounts, in the order in which systemd makes them

    def mounts(self):
        check(libc.unshare(CLONE_NEWNS), "unshare")
        mount("none", "/", None, MS_REC | MS_SLAVE)
        for name, mode in (("tmp", 0o1777), ("var-tmp", 0o1777), ("nothing", 0)):
            os.mkdir(os.path.join(self.scratch, name))
            os.chmod(os.path.join(self.scratch, name), mode)
        os.close(os.open(os.path.join(self.scratch, "no-file"), os.O_CREAT, 0))
        for path in self.writable:
            mount(path, path, None, MS_BIND)
        for name in ("ProtectSystem", "ProtectHome", "PrivateDevices", "ProtectControlGroups", "ProtectKernelLogs",
                     "ProtectKernelModules", "ProtectKernelTunables", "PrivateTmp"):
            value = self.unit.last(name)
            if value is not None:
                getattr(self, name)(value)
        for path in self.writable:
            read_only(path, yes=False)

    def ProtectSystem(self, value):
        assert value == "strict", value
        read_only("/")
        for path in ("/dev", "/proc", "/sys"):
            read_only(path, yes=False)  # other directives say what of these

    def ProtectHome(self, value):
        assert value == "read-only", value
        for path in ("/home", "/root", "/run/user"):
            bind_read_only(path)

    def PrivateTmp(self, value):
        assert value == "yes", value
        for name, path in (("var-tmp", "/var/tmp"), ("tmp", "/tmp")):  # /tmp last: they stand in it themselves
            own = os.path.join(self.scratch, name)
            mount(own, path, None, MS_BIND)
            read_only(path, yes=False)

    def PrivateDevices(self, value):
        assert value == "yes", value
        mount("tmpfs", "/mnt", "tmpfs", MS_NOSUID, "mode=755")
        for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9),
                                   ("tty", 5, 0)):
            os.mknod(f"/mnt/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
            os.chmod(f"/mnt/{name}", 0o666)
        for name in ("pts", "shm", "mqueue", "hugepages"):
            os.mkdir(f"/mnt/{name}")
            if os.path.ismount(f"/dev/{name}"):
                mount(f"/dev/{name}", f"/mnt/{name}", None, MS_BIND)
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
                             ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
                             ("log", "/run/systemd/journal/dev-log")):
            os.symlink(target, f"/mnt/{name}")
        mount("/mnt", "/dev", None, MS_MOVE)
        mount("none", "/dev", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC)

    def ProtectControlGroups(self, value):
        assert value == "yes", value
        bind_read_only("/sys/fs/cgroup")

    def ProtectKernelTunables(self, value):
        assert value == "yes", value
        for path in ("acpi", "apm", "asound", "bus", "fs", "irq", "latency_stats", "mtrr", "scsi", "sys",
                     "sysrq-trigger", "timer_stats"):
            bind_read_only("/proc/" + path)
        for path in ("/sys", "/sys/fs/bpf", "/sys/fs/cgroup", "/sys/kernel/debug", "/sys/kernel/tracing"):
            bind_read_only(path)
        for path in ("/proc/kallsyms", "/proc/kcore"):
            self.inaccessible(path)

    def ProtectKernelLogs(self, value):
        assert value == "yes", value
        for path in ("/proc/kmsg", "/dev/kmsg"):
            self.inaccessible(path)

    def ProtectKernelModules(self, value):
        assert value == "yes", value
        self.inaccessible("/usr/lib/modules")

    def inaccessible(self, path):
        if not os.path.exists(path):
            return
        mount(os.path.join(self.scratch, "nothing" if os.path.isdir(path) else "no-file"), path, None, MS_BIND)

    # --- system calls: what the unit lists may be made, with the arguments that the other directives allow

    def system_calls(self):
        allowed = set()
        for line in self.unit.values["SystemCallFilter"]:
            taken_out = line.startswith("~")
            calls = set()
            for word in line.lstrip("~").split():
                calls |= members(word) if word.startswith("@") else {word}
            allowed = allowed - calls if taken_out else allowed | calls
        # What systemd itself needs to start the program, and always allows.
        return (allowed | members("@default") | {"execve"}) - set(TRIED)

    def build_filter(self):
        kill = seccomp.KILL_PROCESS if hasattr(seccomp, "KILL_PROCESS") else seccomp.KILL
        calls = self.system_calls()
        conditional = self.conditions(calls)
        self.filter = seccomp.SyscallFilter(kill)  # SystemCallArchitectures=native: a call of another one kills, too
        for call in sorted(calls):
            try:
                number = seccomp.resolve_syscall(seccomp.Arch(), call)
                if number < 0:
                    continue  # of another architecture
                for conditions in conditional.get(call, [()]):
                    self.filter.add_rule(seccomp.ALLOW, number, *conditions)
            except (ValueError, OSError, RuntimeError) as error:
                raise SystemExit(f"unit_sandbox: {call}: {error}")

    def conditions(self, calls):
        """{call: [conditions, each enough]}. What none of them allows is denied, as the directive has it."""
        found = {}
        bits = lambda number, mask: seccomp.Arg(number, seccomp.MASKED_EQ, mask, 0)  # noqa: E731
        if self.unit.last("RestrictAddressFamilies"):
            families = [getattr(socket, name) for name in self.unit.last("RestrictAddressFamilies").split()]
            found["socket"] = [(seccomp.Arg(0, seccomp.EQ, family),) for family in families]
        if self.unit.last("MemoryDenyWriteExecute") == "yes":
            executable, writable, shm_exec = 4, 2, 0o100000
            found["mmap"] = [(bits(2, executable),), (bits(2, writable),)]
            found["mprotect"] = [(bits(2, executable),)]
            found["pkey_mprotect"] = [(bits(2, executable),)]
            found["shmat"] = [(bits(2, shm_exec),)]
        if self.unit.last("RestrictNamespaces") == "yes":
            found["clone"] = [(bits(0, sum(NAMESPACE_FLAGS)),)]
            calls -= {"unshare", "setns"}
        if self.unit.last("RestrictRealtime") == "yes":
            found["sched_setscheduler"] = [(seccomp.Arg(1, seccomp.EQ, policy),) for policy in (0, 3, 5)]
        if self.unit.last("RestrictSUIDSGID") == "yes":
            special = stat.S_ISUID | stat.S_ISGID
            found.update({"chmod": [(bits(1, special),)], "fchmod": [(bits(1, special),)],
                          "fchmodat": [(bits(2, special),)], "mkdir": [(bits(1, special),)],
                          "mkdirat": [(bits(2, special),)], "mknod": [(bits(1, special),)],
                          "mknodat": [(bits(2, special),)],
                          "open": [(bits(1, os.O_CREAT),), (bits(2, special),)],
                          "openat": [(bits(2, os.O_CREAT),), (bits(3, special),)]})
        if self.unit.last("LockPersonality") == "yes":
            found["personality"] = [(seccomp.Arg(0, seccomp.EQ, persona),) for persona in (0, 0xffffffff)]
        return found

    def load_filter(self):
        for call, number in TRIED.items():
            self.filter.add_rule(seccomp.ERRNO(number), call)
        self.filter.load()

    # --- the rest

    def start(self, command):
        unknown = sorted(set(self.unit.values) - APPLIED - ELSEWHERE)
        if unknown:
            raise SystemExit(f"unit_sandbox: what does {', '.join(unknown)} do? Say so in unit_sandbox.py")
        self.build_filter()  # asks systemd-analyze, which the sandbox would not let run
        self.mounts()
        os.setpriority(os.PRIO_PROCESS, 0, int(self.unit.last("Nice", "0")))
        os.umask(int(self.unit.last("UMask", "0022"), 8))
        resource.setrlimit(resource.RLIMIT_CORE, (int(self.unit.last("LimitCORE", "0")),) * 2)
        assert self.unit.last("CapabilityBoundingSet") == "" and self.unit.last("AmbientCapabilities") == ""
        capability = 0
        while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
            capability += 1
        os.setgroups([])
        os.setresgid(UNIT_USER, UNIT_USER, UNIT_USER)
        os.setresuid(UNIT_USER, UNIT_USER, UNIT_USER)
        assert self.unit.last("NoNewPrivileges") == "yes"
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        self.load_filter()
        os.execv(command[0], command)


# Calls that libraries make to see whether there are any: they fail here, as they do with systemd, and kill nothing. The
# arguments of the first two are out of a filter's reach. libnuma, which libproc2 brings, tries the third.
TRIED = {"clone3": errno.ENOSYS, "openat2": errno.ENOSYS, "set_mempolicy": errno.EPERM}

# What this file applies.
APPLIED = {
    "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateMounts", "ProtectControlGroups",
    "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "SystemCallFilter", "SystemCallArchitectures",
    "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "MemoryDenyWriteExecute",
    "LockPersonality", "NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "UMask", "Nice", "LimitCORE",
    "User", "Group",
}
# What the manager does before, after or beside the process (a test looks at these itself), and what are cgroups.
ELSEWHERE = {
    "Type", "ExecStart", "ExecReload", "Restart", "RestartSec", "WatchdogSec", "TimeoutStopSec", "RemoveIPC",
    "Environment", "EnvironmentFile", "StateDirectory", "StateDirectoryMode", "ConfigurationDirectory",
    "ConfigurationDirectoryMode", "SystemCallErrorNumber", "MemoryMax", "CPUQuota", "TasksMax", "DevicePolicy",
}


def members(name, known={}):
    """The system calls of a set, those of the sets in it included."""
    if name not in known:
        answer = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
        known[name] = set()
        for line in answer.stdout.splitlines()[1:]:
            word = line.strip()
            if word and not word.startswith("#"):
                known[name] |= members(word) if word.startswith("@") else {word}
    return known[name]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("unit")
    parser.add_argument("--writable", action="append", default=[])
    parser.add_argument("--scratch", required=True)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    Sandbox(Unit(arguments.unit), arguments.writable, arguments.scratch).start(arguments.command)


if __name__ == "__main__":
    main()
