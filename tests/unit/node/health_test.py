"""Which builds' /var is removed, and that nothing else is."""

import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

mark_good = places.load("health", "mark-good")
A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


class Choice(unittest.TestCase):
    def test_keeps_the_running_and_the_newest_other(self):
        times = {A: 1, B: 2, C: 3, D: 4}
        self.assertEqual(mark_good.builds_to_remove(times, B), [A, C])
        self.assertEqual(mark_good.builds_to_remove(times, D), [A, B])

    def test_removes_nothing_while_there_is_only_one_other(self):
        self.assertEqual(mark_good.builds_to_remove({A: 1, B: 2}, A), [])
        self.assertEqual(mark_good.builds_to_remove({A: 1}, A), [])
        self.assertEqual(mark_good.builds_to_remove({A: 1, B: 2}, C), [A])


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def add(self, name, time):
        (self.folder / name / "lib").mkdir(parents=True)
        (self.folder / name / "lib" / "file").write_text("x")
        os.utime(self.folder / name, (time, time))

    def prune(self, running):
        with contextlib.redirect_stdout(io.StringIO()):
            mark_good.prune(str(self.folder), running)
        return sorted(entry.name for entry in self.folder.iterdir())

    def test_removes_old_builds_and_nothing_that_is_not_one(self):
        for time, name in enumerate((A, B, C, "lost+found", "notes", A[:63])):
            self.add(name, time)
        self.assertEqual(self.prune(B), sorted([B, C, "lost+found", "notes", A[:63]]))

    def test_the_build_that_ran_well_last_is_the_previous_one(self):
        # A ran for long, B was tried, then A again; C was installed over B.
        self.add(A, 10)
        self.add(B, 20)
        self.prune(A)
        self.add(C, 30)
        os.utime(self.folder / C)
        self.assertEqual(self.prune(C), sorted([A, C]))

    def test_finishes_a_removal_that_a_power_cut_stopped(self):
        self.add(A, 1)
        self.add(f"removing-{B}", 2)
        self.assertEqual(self.prune(A), [A])


if __name__ == "__main__":
    unittest.main()
