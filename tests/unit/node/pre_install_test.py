"""Which bundles RAUC may install."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

pre_install = places.load("updater", "pre-install")
DIGEST = "ab" * 32
INTENDED = {"version": "1.6.0", "serial": 6, "buildId": "cd" * 32, "slotSha256": DIGEST}
# As rauc 1.13 gives it to its handler; the number is the target slot's.
ENVIRONMENT = {"RAUC_IMAGE_DIGEST_1": DIGEST, "RAUC_META_RELEASE_SERIAL": "6", "RAUC_SLOTS": "1 2"}


def run(environment, content):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "intended.json")
        if content is not None:
            path.write_text(content, encoding="utf-8")
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            return pre_install.main(environment, str(path)), said.getvalue()


class Handler(unittest.TestCase):
    def test_lets_the_intended_bundle_through(self):
        self.assertEqual(run(ENVIRONMENT, json.dumps(INTENDED)), (0, ""))

    def test_refuses_every_other(self):
        others = {
            "image is 000000000000": {"RAUC_IMAGE_DIGEST_1": "0" * 64},
            "serial is 5": {"RAUC_META_RELEASE_SERIAL": "5"},
            "serial is missing": {"RAUC_META_RELEASE_SERIAL": ""},
            "holds 2 images": {"RAUC_IMAGE_DIGEST_2": DIGEST},
        }
        for why, change in others.items():
            status, said = run(ENVIRONMENT | change, json.dumps(INTENDED))
            self.assertEqual(status, 1)
            self.assertIn(why, said)
        self.assertEqual(run({}, json.dumps(INTENDED))[0], 1)

    def test_refuses_all_where_nothing_was_chosen(self):
        for content in (None, "", "{", "[]", "{}", json.dumps({"slotSha256": DIGEST})):
            status, said = run(ENVIRONMENT, content)
            self.assertEqual(status, 1, content)
            self.assertIn("node-update install", said)


if __name__ == "__main__":
    unittest.main()
