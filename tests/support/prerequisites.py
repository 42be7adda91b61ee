"""What a test needs of the machine and cannot bring along: rights, namespaces, programs that scripts/setup --tests installs.

Where it is missing the test is skipped and says why, so that the others can be run on any machine. Continuous integration
(CI=true in the environment) is a machine that has everything: there it fails, since a test that is skipped for ever is
green for ever. Cgroups are not asked for here: whether a container may make any is decided where it is started.
"""

import os
import unittest


def need(reason):
    """`reason` says what is missing; nothing, where nothing is."""
    if not reason:
        return
    if is_continuous_integration():
        raise AssertionError(f"continuous integration (CI=true) is to run this test, but it cannot: {reason}")
    raise unittest.SkipTest(reason)


def is_continuous_integration():
    return os.environ.get("CI") == "true"
