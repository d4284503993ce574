"""The report's facts where they can be had from text, and its line."""

import hashlib
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

facts = places.load("report", "report_facts.py")
report = places.load("report", "report")
BUILD = "c" * 64
MOUNTINFO = f"""\
21 1 179:2 / / ro,noatime shared:1 - ext4 /dev/mmcblk0p2 ro
30 21 179:4 / /data rw,noatime shared:2 - ext4 /dev/mmcblk0p4 rw
31 21 179:4 /var/{BUILD} /var rw,noatime shared:2 - ext4 /dev/mmcblk0p4 rw
32 31 179:4 /shared/var/lib/x /var/lib/x rw - ext4 /dev/mmcblk0p4 rw
"""
RAUC = {
    "compatible": "home-agent-rpi-arm64",
    "variant": "",
    "booted": "A",
    "boot_primary": "rootfs.0",
    "slots": [
        {"rootfs.1": {"class": "rootfs", "bootname": "B", "state": "inactive", "boot_status": "bad"}},
        {"rootfs.0": {"class": "rootfs", "bootname": "A", "state": "booted", "boot_status": "good"}},
    ],
}


class Facts(unittest.TestCase):
    def test_names_where_var_comes_from(self):
        table = facts.mounts(MOUNTINFO)
        self.assertEqual(facts.var_source(table), f"/data/var/{BUILD}")
        self.assertEqual(facts.var_source({"/var": ("/", "tmpfs", "tmpfs")}), "tmpfs")

    def test_a_tmpfs_in_the_place_of_data_counts_as_not_mounted(self):
        found = facts.data({"/data": ("/", "tmpfs", "tmpfs")}, "/")
        self.assertEqual((found["mounted"], found["state"], found["grown"]), (False, "tmpfs", False))

    def test_reads_raucs_status(self):
        found = facts.rauc(json.dumps(RAUC))
        self.assertEqual(found["booted"], "A")
        self.assertEqual([slot["name"] for slot in found["slots"]], ["rootfs.0", "rootfs.1"])
        self.assertEqual(
            found["slots"][0],
            {"name": "rootfs.0", "bootname": "A", "state": "booted", "bootStatus": "good"},
        )

    def test_finds_secrets_in_an_image(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for folder in ("etc/ssh", "var/lib/dbus", "root"):
                (root / folder).mkdir(parents=True)
            (root / "etc/shadow").write_text("root:*:20000:0:::::\nsync:!:1::::::\n")
            (root / "etc/machine-id").write_text("")
            (root / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
            clean = {"hostKeysInImage": [], "usersWithPassword": [], "machineIdInImage": False}
            self.assertEqual(facts.secrets_in(str(root)), clean)
            (root / "etc/shadow").write_text("root::20000:0:::::\npi:$y$j9T$x:1::::::\nsync:!:1::::::\n")
            (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
            (root / "etc/ssh/ssh_host_rsa_key").write_text("key")
            found = facts.secrets_in(str(root))
            self.assertEqual(found["hostKeysInImage"], ["/etc/ssh/ssh_host_rsa_key"])
            self.assertEqual(found["usersWithPassword"], ["root", "pi"])
            self.assertTrue(found["machineIdInImage"])

    def test_has_a_fact_for_every_name_of_the_contract(self):
        names = {name for name, _ in facts.FACTS}
        self.assertEqual(len(names), len(facts.FACTS))
        self.assertLessEqual({"slot", "data", "bootState", "rauc", "secrets", "identity", "network"}, names)


class Line(unittest.TestCase):
    def test_a_broken_fact_costs_only_itself(self):
        def broken():
            raise OSError("no such disk")

        found = report.collect((("slot", lambda: "A"), ("data", broken), (None, lambda: {"cluster": "home"})))
        wanted = {"version": 1, "slot": "A", "cluster": "home", "errors": {"data": "OSError: no such disk"}}
        self.assertEqual(found, wanted)

    def test_is_ascii_on_one_line_with_the_digest_of_its_text(self):
        line = report.line_of({"hostname": "caf\u00e9\n"})
        mark, digest, text = line.split(" ", 2)
        self.assertEqual(mark, "HOME-PI-REPORT")
        self.assertEqual(digest, hashlib.sha256(text.encode()).hexdigest())
        self.assertTrue(line.isascii() and "\n" not in line)
        self.assertEqual(json.loads(text), {"hostname": "caf\u00e9\n"})


if __name__ == "__main__":
    unittest.main()
