"""Moving the identity file, with a folder for every partition and a `mount` that copies.

The stand-in for mount(8) copies the boot partition's folder in, and back out when it was mounted for
writing, so that these tests need neither root nor a vfat driver.
"""

import contextlib
import io
import json
import os
import pathlib
import stat
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places
from identity_file_test import KEY, OTHER

identity = places.load("identity", "identity")
MOUNT = """#!/bin/sh
# mount -t vfat -o OPTIONS DEVICE FOLDER
[ ! -e "$5.broken" ] || { echo "wrong fs type" >&2; exit 32; }
cp -a "$5/." "$6/" && printf '%s\\n%s\\n' "$4" "$5" >"$6.mounted"
"""
UMOUNT = """#!/bin/sh
{ read -r options && read -r device; } <"$1.mounted"
case $options in
rw,*) find "$device" -mindepth 1 -delete && cp -a "$1/." "$device/" ;;
esac
find "$1" -mindepth 1 -delete
rm "$1.mounted"
"""
GOOD = f"hostname: pi-1\nssh:\n  - {KEY}\n"
BUILD = {"cluster": "home", "profile": "agent", "board": "rpi-arm64", "buildId": "c" * 64}


class Boot(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("dev/disk/pi/boot", "run/home-pi", "data", "usr/lib/home-pi", "proc/sys/kernel", "bin"):
            (self.root / name).mkdir(parents=True)
        (self.root / "usr/lib/home-pi/build.json").write_text(json.dumps(BUILD))
        for name, text in (("mount", MOUNT), ("umount", UMOUNT)):
            (self.root / "bin" / name).write_text(text)
            (self.root / "bin" / name).chmod(0o755)
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{self.root}/bin:{path}"
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        self.p1 = self.root / "dev/disk/pi/boot"
        self.data_is("fresh")

    def data_is(self, state, reason=""):
        (self.root / "run/home-pi/data.json").write_text(json.dumps({"state": state, "reason": reason}))

    def boot(self):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = identity.main(["--device-timeout", "0"], identity.Node(str(self.root)))
        self.assertEqual(status, 0)
        self.assertFalse((self.root / "run/home-pi/boot.mounted").exists())
        return said.getvalue()

    def text(self, path):
        file = self.root / path
        return file.read_text() if file.exists() else None

    def facts(self):
        return json.loads(self.text("run/home-pi/identity.json"))

    def test_keeps_the_file_on_data_and_makes_it_true(self):
        (self.p1 / "identity.yaml").write_text(GOOD)
        (self.p1 / "config.txt").write_text("arm_64bit=1\n")
        self.boot()
        self.assertEqual(self.text("data/identity/identity.yaml"), GOOD)
        self.assertEqual((self.p1 / "identity.yaml").read_text(), GOOD)
        self.assertEqual(self.text("data/identity/authorized_keys"), f"{KEY}\n")
        self.assertEqual(self.text("proc/sys/kernel/hostname"), "pi-1\n")
        self.assertEqual(self.facts(), {"present": True, "keys": 1, "problems": []})
        mode = (self.root / "data/identity/authorized_keys").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_names_where_this_node_looks_for_releases_and_keeps_it_on_p1(self):
        address = "http://store.local:8080/manifest/"
        (self.p1 / "identity.yaml").write_text(f"{GOOD}update:\n  address: {address}\n")
        self.boot()
        self.assertEqual(self.facts()["updateAddress"], address)
        self.assertIn(address, (self.p1 / "identity.yaml").read_text())
        self.assertEqual(self.facts()["problems"], [])

    def test_says_what_is_wrong_with_an_address_and_uses_the_rest(self):
        for wrong in ("ftp://store.local/", "store.local", "[1]"):
            (self.p1 / "identity.yaml").write_text(f"{GOOD}update:\n  address: {wrong}\n")
            self.boot()
            self.assertNotIn("updateAddress", self.facts())
            self.assertEqual(len(self.facts()["problems"]), 1)
            self.assertEqual(self.facts()["keys"], 1)

    def test_the_next_boot_uses_what_was_kept_and_writes_nothing(self):
        (self.p1 / "identity.yaml").write_text(GOOD)
        self.boot()
        kept = self.root / "data/identity/authorized_keys"
        os.utime(kept, (1, 1))
        (self.root / "proc/sys/kernel/hostname").unlink()
        self.boot()
        self.assertEqual(kept.stat().st_mtime, 1)
        self.assertEqual(self.text("proc/sys/kernel/hostname"), "pi-1\n")
        self.assertEqual(self.facts()["keys"], 1)

    def test_finds_the_name_that_windows_made_of_it(self):
        (self.p1 / "Identity.YAML.txt").write_text(GOOD.replace("\n", "\r\n"))
        self.boot()
        self.assertEqual(self.facts()["keys"], 1)
        self.assertEqual(os.listdir(self.p1), ["Identity.YAML.txt"])

    def test_leaves_only_what_anybody_may_know_on_the_boot_partition(self):
        whole = f"{GOOD}wifi: {{ password: hunter2 }}\n"
        (self.p1 / "identity.yaml").write_text(whole)
        self.boot()
        self.assertEqual(self.text("data/identity/identity.yaml"), whole)
        left = (self.p1 / "identity.yaml").read_text()
        self.assertEqual(os.listdir(self.p1), ["identity.yaml"])
        self.assertNotIn("hunter2", left)
        # The next boot takes neither for the other.
        self.boot()
        self.assertEqual(self.text("data/identity/identity.yaml"), whole)
        self.assertEqual((self.p1 / "identity.yaml").read_text(), left)
        # Data lost: the same people get in.
        self.data_is("tmpfs", "no superblock")
        (self.root / "data/identity/identity.yaml").unlink()
        self.boot()
        self.assertEqual(self.text("run/home-pi/authorized_keys"), f"{KEY}\n")
        self.assertEqual(self.text("proc/sys/kernel/hostname"), "pi-1\n")

    def test_says_that_data_is_full(self):
        for free, files, text in (
            (16, 5000, "data      FULL: 16 MiB free of 4096"),
            (4000, 3, "data      FULL: room for 3 more files"),
            (4000, 5000, None),
        ):
            found = os.statvfs_result((4096, 4096, 1048576, free * 256, free * 256, 9000, files, files, 0, 255))
            with unittest.mock.patch("os.statvfs", return_value=found):
                self.boot()
            shown = self.text("run/issue.d/10-home-pi.issue")
            self.assertEqual("FULL" in shown, text is not None, shown)
            self.assertIn(text or "", shown)

    def test_a_new_file_replaces_the_old_one(self):
        (self.p1 / "identity.yaml").write_text(GOOD)
        self.boot()
        (self.p1 / "identity.yaml").write_text(f"hostname: pi-2\nssh: ['{OTHER}']\n")
        self.boot()
        self.assertEqual(self.text("data/identity/authorized_keys"), f"{OTHER}\n")
        self.assertEqual(self.text("proc/sys/kernel/hostname"), "pi-2\n")

    def test_without_data_keys_come_from_the_boot_partition_and_stay_there(self):
        self.data_is("tmpfs", "no superblock")
        (self.p1 / "identity.yaml").write_text(GOOD)
        self.boot()
        self.assertEqual(os.listdir(self.p1), ["identity.yaml"])
        self.assertEqual(self.text("run/home-pi/authorized_keys"), f"{KEY}\n")
        self.assertIsNone(self.text("data/identity/authorized_keys"))
        self.assertIn("NOT KEPT, in memory only: no superblock", self.text("run/issue.d/10-home-pi.issue"))

    def test_a_file_with_a_mistake_is_used_as_far_as_it_is_right_and_stays(self):
        (self.p1 / "identity.yaml").write_text(f"hostname: pi_1\nssh: ['{KEY}']\n")
        said = self.boot()
        self.assertIn("identity.yaml: line 1: hostname 'pi_1'", said)
        self.assertEqual(os.listdir(self.p1), ["identity.yaml"])
        self.assertEqual(self.text("data/identity/authorized_keys"), f"{KEY}\n")
        self.assertIn("line 1: hostname", self.text("run/issue.d/10-home-pi.issue"))

    def test_a_broken_new_file_locks_nobody_out(self):
        (self.p1 / "identity.yaml").write_text(GOOD)
        self.boot()
        for broken in ("ssh: [a\n", "hostname: pi-9\nssh: [ssh-ed25519 AAAA]\n", ""):
            (self.p1 / "identity.yaml").write_text(broken)
            self.boot()
            self.assertEqual(self.text("data/identity/authorized_keys"), f"{KEY}\n", broken)
            self.assertEqual(self.text("data/identity/identity.yaml"), GOOD)

    def test_a_file_without_keys_and_without_mistakes_takes_them_away(self):
        (self.p1 / "identity.yaml").write_text(GOOD)
        self.boot()
        (self.p1 / "identity.yaml").write_text("hostname: pi-1\nssh: []\n")
        self.boot()
        self.assertEqual(self.text("data/identity/authorized_keys"), "")

    def test_when_data_cannot_be_written_the_file_stays_and_keys_hold_for_this_boot(self):
        (self.root / "data/identity").write_text("a file where a folder should be")
        (self.p1 / "identity.yaml").write_text(GOOD)
        said = self.boot()
        self.assertIn("cannot be kept on data", said)
        self.assertEqual(os.listdir(self.p1), ["identity.yaml"])
        self.assertEqual(self.text("run/home-pi/authorized_keys"), f"{KEY}\n")

    def test_nobody_gets_in_without_a_file_and_the_console_says_so(self):
        said = self.boot()
        self.assertIn("no key: nobody can log in", said)
        shown = self.text("run/issue.d/10-home-pi.issue")
        self.assertIn("no key: nobody can log in", shown)
        self.assertIn(f"build {'c' * 12}", shown)
        self.assertIn("home/agent/rpi-arm64", shown)
        self.assertEqual(self.facts(), {"present": False, "keys": 0, "problems": []})
        self.assertEqual(self.text("data/identity/authorized_keys"), "")

    def test_starts_without_a_boot_partition_or_with_one_that_cannot_be_mounted(self):
        (self.root / "dev/disk/pi/boot.broken").touch()
        (self.p1 / "identity.yaml").write_text(GOOD)
        self.assertIn("cannot be mounted: wrong fs type", self.boot())
        (self.p1 / "identity.yaml").unlink()
        self.p1.rmdir()
        self.assertIn("no boot partition", self.boot())

    def test_the_console_takes_no_commands_from_a_file(self):
        self.data_is("tmpfs", "\\d\x1b[2J")
        (self.p1 / "identity.yaml").write_text("hostname: 'a\\4b'\n")
        self.boot()
        shown = self.text("run/issue.d/10-home-pi.issue")
        self.assertEqual(shown.count("\\"), 3)
        self.assertNotIn("\x1b", shown)


if __name__ == "__main__":
    unittest.main()
