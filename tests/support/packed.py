"""The packages of the build tree under test, made with cpack, once for each test program."""

import functools
import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from support.harness import BINARY

BUILD = os.path.dirname(os.path.dirname(BINARY))


@functools.lru_cache
def packages():
    """(folder, the Debian package, the tar file): quickly packed, and what is in the Debian package in `unpacked`."""
    folder = tempfile.mkdtemp(prefix="sidewatch-test-")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    answer = subprocess.run(["cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-G", "DEB;TGZ",
                             "-B", folder, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip"],
                            cwd=BUILD, capture_output=True, text=True, timeout=600)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    deb, = glob.glob(os.path.join(folder, "*.deb"))
    tar, = glob.glob(os.path.join(folder, "*.tar.gz"))
    subprocess.run(["dpkg-deb", "-R", deb, os.path.join(folder, "unpacked")], check=True)
    return folder, deb, tar


def later_package():
    """The Debian package of a later version, whose shipped configurations are others."""
    folder, _, _ = packages()
    later = os.path.join(folder, "later")
    shutil.copytree(os.path.join(folder, "unpacked"), later, symlinks=True)
    control = os.path.join(later, "DEBIAN", "control")
    with open(control) as file:
        lines = ["Version: 9.0.0-1\n" if line.startswith("Version: ") else line for line in file]
    with open(control, "w") as file:
        file.writelines(lines)
    for name in ("sidewatch.yaml", "instance.yaml"):
        with open(f"{later}/etc/sidewatch/{name}", "a") as file:
            file.write("# Shipped with 9.0.0.\n")
    path = os.path.join(folder, "later.deb")
    subprocess.run(["dpkg-deb", "-Zgzip", "-b", later, path], check=True, capture_output=True)
    shutil.rmtree(later)
    return path
