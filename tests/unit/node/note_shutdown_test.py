"""That a shutdown is noted down while a new build is not trusted, and nothing else is."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

SCRIPT = places.scripts_of("updater") / "note-shutdown"
UNITS = places.ANSIBLE / "roles/updater/rootfs/usr/lib/systemd/system"
# Job, unit, type and state, as systemctl lists them.
SHUTDOWN = "  940 shutdown.target                      start waiting"
SETTLING = '{"turn":4,"state":{"format":1,"settling":{"buildId":"aa","bootId":"boot-1","crashes":0}}}'
TRUSTED = '{"turn":5,"state":{"format":1,"failed":[{"reason":"the \\"settling\\": of the units"}]}}'


class Note(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.update = self.root / "data/update"
        boot_id = self.root / "proc/sys/kernel/random/boot_id"
        for folder in (self.update, boot_id.parent, self.root / "bin"):
            folder.mkdir(parents=True)
        boot_id.write_text("boot-2\n")

    def note(self, jobs=SHUTDOWN):
        systemctl = self.root / "bin/systemctl"
        systemctl.write_text(f"#!/bin/sh\ncat <<'END'\n{jobs}\nEND\n")
        systemctl.chmod(0o755)
        path = f"{self.root}/bin:{os.environ['PATH']}"
        done = subprocess.run([SCRIPT], env={"PATH": path, "HOME_PI_ROOT": str(self.root)}, check=False)
        noted = self.update / "shut-downs"
        return done.returncode, noted.read_text() if noted.exists() else None

    def state(self, number, text):
        (self.update / f"state-{number}.json").write_text(f"{'0' * 64}\n{text}\n")

    def test_notes_each_shutdown_of_a_new_build(self):
        self.state(1, SETTLING)
        self.assertEqual(self.note(), (0, "boot-2\n"))
        self.assertEqual(self.note(), (0, "boot-2\nboot-2\n"))

    def test_looks_at_both_copies_of_the_state(self):
        self.state(1, TRUSTED)
        self.state(2, SETTLING)
        self.assertEqual(self.note(), (0, "boot-2\n"))

    def test_writes_nothing_for_a_build_that_is_trusted(self):
        self.assertEqual(self.note(), (0, None))
        self.state(1, TRUSTED)
        self.assertEqual(self.note(), (0, None))

    def test_is_not_taken_in_by_units_that_are_stopped_for_something_else(self):
        self.state(1, SETTLING)
        self.assertEqual(self.note(jobs=""), (0, None))
        self.assertEqual(self.note(jobs=" 940 emergency.target start running"), (0, None))
        self.assertEqual(self.note(jobs=" 940 shutdown.target stop waiting"), (0, None))

    def test_fails_quietly_where_there_is_no_folder(self):
        self.update.rmdir()
        self.assertEqual(self.note(), (0, None))

    def test_both_ways_to_ask_for_a_new_build_are_one(self):
        asked = "grep -qs '\"settling\":'"
        self.assertIn(asked, SCRIPT.read_text())
        self.assertIn(asked, (UNITS / "home-pi-update-settled.service").read_text())


if __name__ == "__main__":
    unittest.main()
