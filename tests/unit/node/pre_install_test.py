"""Which bundles RAUC may install."""

import contextlib
import io
import json
import os
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
        device = os.stat(folder).st_dev
        setting = pathlib.Path(folder, "class/bdi", f"{os.major(device)}:{os.minor(device)}", "read_ahead_kb")
        setting.parent.mkdir(parents=True)
        setting.write_text("128", encoding="ascii")
        given = {"RAUC_BUNDLE_MOUNT_POINT": folder} | environment
        with contextlib.redirect_stderr(said):
            code = pre_install.main(given, str(path), folder)
        return code, said.getvalue() + f"reads {setting.read_text(encoding='ascii')} ahead"


class Handler(unittest.TestCase):
    def test_lets_the_intended_bundle_through(self):
        self.assertEqual(run(ENVIRONMENT, json.dumps(INTENDED)), (0, "reads 4 ahead"))

    def test_lets_it_through_where_the_kernel_goes_on_reading_ahead(self):
        code, said = run(ENVIRONMENT | {"RAUC_BUNDLE_MOUNT_POINT": "/not/there"}, json.dumps(INTENDED))
        self.assertEqual(code, 0)
        self.assertIn("reads ahead as it likes", said)

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
