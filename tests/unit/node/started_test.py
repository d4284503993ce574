"""How long a node waits before it is judged, and what its gate calls missing: with a systemctl that is told what to say."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

SYSTEMCTL = """#!/bin/sh
# Without a pattern all jobs are listed, else the one that is named.
case $1 in
list-jobs) if [ $# -eq 3 ]; then cat "$HERE/jobs"; else grep " $4 " "$HERE/jobs"; fi ;;
is-active) grep -qx "$2" "$HERE/active" && echo active || echo inactive ;;
esac
true
"""
JOBS = "12 hanging.service start running\n1 multi-user.target start waiting\n7 late.service start waiting\n"


class Node(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here = pathlib.Path(folder.name)
        (self.here / "systemctl").write_text(SYSTEMCTL)
        (self.here / "systemctl").chmod(0o755)

    def run_script(self, script, *args, jobs):
        (self.here / "jobs").write_text(jobs)
        env = {"PATH": f"{self.here}:{os.environ['PATH']}", "HERE": str(self.here)}
        argv = ["sh", str(script), *args]
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


class Started(Node):
    script = places.scripts_of("health") / "started"

    def test_ends_at_once_where_all_has_started(self):
        began = time.monotonic()
        done = self.run_script(self.script, "30", jobs="9 fstrim.service start running\n")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertLess(time.monotonic() - began, 10)

    def test_ends_in_time_where_a_unit_hangs_and_names_it(self):
        began = time.monotonic()
        done = self.run_script(self.script, "3", jobs=JOBS)
        self.assertEqual((done.returncode, done.stdout), (0, "still starting: hanging.service\n"))
        self.assertGreaterEqual(time.monotonic() - began, 2)


class Health(Node):
    """The units of the gate come from a folder of the node; here the list is written into a copy of the script."""

    def check(self, units, active, jobs):
        script = (places.scripts_of("health") / "health").read_text()
        (self.here / "gate.conf").write_text(units)
        script = script.replace("/usr/lib/home-pi/gate.d/*.conf", str(self.here / "gate.conf"))
        script = script.replace("/run/home-pi", str(self.here / "run"))
        (self.here / "health").write_text(script)
        (self.here / "active").write_text(active)
        return self.run_script(self.here / "health", "0", jobs=jobs)

    def test_is_well_when_all_run(self):
        self.assertEqual(self.check("ssh.service\n", "ssh.service\n", JOBS).returncode, 0)

    def test_waits_for_one_whose_turn_has_not_come(self):
        done = self.check("late.service\n", "", JOBS)
        self.assertEqual((done.returncode, "still starting: late.service" in done.stderr), (1, True))

    def test_does_not_wait_for_one_that_nobody_starts(self):
        done = self.check("gone.service\n", "", JOBS)
        self.assertEqual((done.returncode, "not running: gone.service (inactive)" in done.stderr), (1, True))


if __name__ == "__main__":
    unittest.main()
