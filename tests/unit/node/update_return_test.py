"""That only a build on trial is restarted when its gate cannot run, and one the gate has left."""

import hashlib
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

update_return = places.load("updater", "update-return")
A, B = "a" * 64, "b" * 64


def copy(turn, state):
    body = json.dumps({"turn": turn, "state": state}) + "\n"
    return hashlib.sha256(body.encode()).hexdigest() + "\n" + body


class Return(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.build = self.folder / "build.json"
        self.build.write_text(json.dumps({"buildId": B}))

    def run_with(self, first=None, second=None):
        """Whether it restarted."""
        for name, text in (("state-1.json", first), ("state-2.json", second)):
            if text is not None:
                (self.folder / name).write_text(text)
        marker = self.folder / "restarted"
        restart = ("touch", str(marker))
        update_return.main(str(self.folder), str(self.build), str(self.folder / "leaving"), restart)
        return marker.exists()

    def test_restarts_a_build_on_trial(self):
        trial = {"committed": {"buildId": A}, "trial": {"buildId": B}}
        self.assertTrue(self.run_with(copy(1, {}), copy(2, trial)))

    def test_believes_the_newer_whole_copy(self):
        trial = {"committed": {"buildId": A}, "trial": {"buildId": B}}
        self.assertFalse(self.run_with(copy(4, {"committed": {"buildId": B}}), copy(3, trial)))
        self.assertTrue(self.run_with(copy(4, {"committed": {"buildId": B}})[:-3], copy(3, trial)))

    def test_leaves_everything_else_running(self):
        for state in ({}, {"trial": {"buildId": A}}, {"trial": {"buildId": B}, "committed": {"buildId": B}}):
            self.assertFalse(self.run_with(copy(1, state), ""))

    def test_restarts_a_build_its_gate_has_left(self):
        failed = {"committed": {"buildId": A}, "failed": [{"buildId": B}]}
        self.assertFalse(self.run_with(copy(1, failed)))
        (self.folder / "leaving").write_text("")
        self.assertTrue(self.run_with(copy(1, failed)))


if __name__ == "__main__":
    unittest.main()
