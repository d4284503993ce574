"""The two copies of the boot state: read, written, torn, with the real command line tools."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

boot_state = places.load("rauc", "boot_state.py")
FIRST, SECOND = boot_state.COPY_OFFSETS
DISK_SIZE = SECOND + 4096
STATE = {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "2", "FRESH": "0", "CONTRACT": "1"}


class Disk(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.disk = os.path.join(folder.name, "disk.img")
        self.put(boot_state.encode(STATE), boot_state.encode(STATE))

    def put(self, first, second, filler=b"\xa5"):
        content = bytearray(filler * DISK_SIZE)
        content[FIRST : FIRST + 512] = first
        content[SECOND : SECOND + 512] = second
        pathlib.Path(self.disk).write_bytes(content)

    def content(self):
        return pathlib.Path(self.disk).read_bytes()

    def run_tool(self, name, *arguments, stdin=None):
        return subprocess.run(
            [sys.executable, "-B", str(places.scripts_of("rauc") / "fw" / name), *arguments],
            env={**os.environ, boot_state.DISK_VARIABLE: self.disk},
            capture_output=True,
            text=True,
            input=stdin,
            check=False,
        )


class Format(unittest.TestCase):
    def test_reads_what_mkenvimage_wrote(self):
        copy = (places.HERE / "fixtures/mkenvimage.bin").read_bytes()
        wanted = {"BOOT_ORDER": "A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0", "FRESH": "1", "CONTRACT": "1"}
        self.assertEqual(boot_state.decode(copy), wanted)

    def test_writes_the_form_of_mkenvimage_with_zeros_behind(self):
        made = (places.HERE / "fixtures/mkenvimage.bin").read_bytes()
        ours = boot_state.encode(boot_state.decode(made))
        end = made.index(b"\0\0") + 2
        self.assertEqual(ours[4:end], made[4:end])
        self.assertEqual(set(ours[end:]), {0})
        self.assertEqual(int.from_bytes(ours[:4], "little"), zlib.crc32(ours[4:]))

    def test_every_flipped_bit_is_noticed(self):
        copy = boot_state.encode(STATE)
        for bit in range(512 * 8):
            torn = bytearray(copy)
            torn[bit // 8] ^= 1 << (bit % 8)
            self.assertIsNone(boot_state.decode(bytes(torn)), f"bit {bit}")

    def test_a_card_of_zeros_or_ones_is_no_state(self):
        for byte in (b"\0", b"\xff"):
            self.assertIsNone(boot_state.decode(byte * 512))

    def test_refuses_what_does_not_fit(self):
        for variables in ({"A": "x" * 600}, {"A=B": "1"}, {"": "1"}, {"A B": "1"}, {"A": "1\n2"}, {"A": "1\0"}):
            with self.assertRaises(boot_state.BootStateError):
                boot_state.encode(variables)


class Reading(Disk):
    def test_prints_as_rauc_wants_it(self):
        done = self.run_tool("fw_printenv", "BOOT_ORDER")
        self.assertEqual((done.returncode, done.stdout), (0, "BOOT_ORDER=A B\n"))

    def test_prints_a_bare_value_and_everything(self):
        self.assertEqual(self.run_tool("fw_printenv", "-n", "BOOT_B_LEFT").stdout, "2\n")
        everything = self.run_tool("fw_printenv").stdout
        self.assertEqual(everything, "".join(f"{name}={value}\n" for name, value in STATE.items()))

    def test_fails_for_a_variable_that_is_not_there(self):
        done = self.run_tool("fw_printenv", "NO_SUCH")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('"NO_SUCH" not defined', done.stderr)

    def test_takes_the_second_copy_when_the_first_is_torn(self):
        self.put(b"\0" * 512, boot_state.encode({**STATE, "BOOT_ORDER": "B A"}))
        self.assertEqual(self.run_tool("fw_printenv", "-n", "BOOT_ORDER").stdout, "B A\n")

    def test_the_first_copy_wins_when_both_are_valid(self):
        self.put(boot_state.encode({**STATE, "BOOT_ORDER": "B A"}), boot_state.encode(STATE))
        self.assertEqual(self.run_tool("fw_printenv", "-n", "BOOT_ORDER").stdout, "B A\n")

    def test_without_a_valid_copy_the_boot_scripts_defaults_hold_and_data_stays(self):
        self.put(b"\0" * 512, b"\xff" * 512)
        self.assertEqual(boot_state.read(self.disk), boot_state.DEFAULTS)
        self.assertEqual(boot_state.DEFAULTS["FRESH"], "0")

    def test_a_disk_that_is_not_there_is_an_error_with_its_name(self):
        os.unlink(self.disk)
        done = self.run_tool("fw_printenv", "BOOT_ORDER")
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.disk, done.stderr)


class Writing(Disk):
    def test_changes_both_copies_and_not_a_byte_beside_them(self):
        before = self.content()
        self.assertEqual(self.run_tool("fw_setenv", "BOOT_ORDER", "B A").returncode, 0)
        after = self.content()
        wanted = boot_state.encode({**STATE, "BOOT_ORDER": "B A"})
        self.assertEqual(after[FIRST : FIRST + 512], wanted)
        self.assertEqual(after[SECOND : SECOND + 512], wanted)
        changed = [at for at in range(len(before)) if before[at] != after[at]]
        inside = [at for at in changed if FIRST <= at < FIRST + 512 or SECOND <= at < SECOND + 512]
        self.assertEqual(changed, inside)
        self.assertEqual(len(after), len(before))

    def test_joins_words_and_removes_what_gets_no_value(self):
        self.run_tool("fw_setenv", "BOOT_ORDER", "B", "A")
        self.assertEqual(boot_state.read(self.disk)["BOOT_ORDER"], "B A")
        for arguments in (["BOOT_ORDER"], ["BOOT_A_LEFT", ""]):
            self.assertEqual(self.run_tool("fw_setenv", *arguments).returncode, 0)
        self.assertEqual(set(boot_state.read(self.disk)), set(STATE) - {"BOOT_ORDER", "BOOT_A_LEFT"})

    def test_takes_a_script(self):
        done = self.run_tool("fw_setenv", "-s", "-", stdin="# both forms\nBOOT_ORDER=B A\nBOOT_B_LEFT 1\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        state = boot_state.read(self.disk)
        self.assertEqual((state["BOOT_ORDER"], state["BOOT_B_LEFT"]), ("B A", "1"))

    def test_mends_the_copy_that_was_torn(self):
        good = boot_state.encode(STATE)
        for first, second in ((b"\0" * 512, good), (good, b"\0" * 512)):
            self.put(first, second)
            self.run_tool("fw_setenv", "BOOT_A_LEFT", "3")
            self.assertEqual(boot_state.read_copies(self.disk), [good, good])

    def test_starts_from_the_defaults_when_both_were_torn(self):
        self.put(b"\0" * 512, b"\0" * 512)
        self.run_tool("fw_setenv", "BOOT_A_LEFT", "2")
        self.assertEqual(boot_state.read(self.disk), {**boot_state.DEFAULTS, "BOOT_A_LEFT": "2"})

    def test_writes_nothing_that_already_stands_there(self):
        os.utime(self.disk, (1, 1))
        self.run_tool("fw_setenv", "BOOT_A_LEFT", "3")
        self.assertEqual(os.stat(self.disk).st_mtime, 1)

    def test_refuses_without_touching_the_disk(self):
        before = self.content()
        for arguments in (["NAME", "x" * 600], ["A=B", "1"], ["-x"], []):
            self.assertNotEqual(self.run_tool("fw_setenv", *arguments).returncode, 0, arguments)
        self.assertEqual(self.content(), before)


class PowerCut(Disk):
    """Every point at which a write can be cut off: what is read is the old state or the new one."""

    def test_at_every_cut_one_whole_state_is_read(self):
        old, new = STATE, {**STATE, "BOOT_ORDER": "B A", "BOOT_B_LEFT": "3"}
        before, after = boot_state.encode(old), boot_state.encode(new)
        for cut in range(0, 513):
            torn = after[:cut] + before[cut:]
            for first, second in ((torn, before), (after, torn)):
                self.put_small(first, second)
                self.assertIn(boot_state.read(self.disk), (old, new), f"cut at {cut}")

    def put_small(self, first, second):
        with open(self.disk, "r+b") as disk:
            os.pwrite(disk.fileno(), first, FIRST)
            os.pwrite(disk.fileno(), second, SECOND)

    def test_the_second_copy_is_touched_only_after_the_first_is_on_the_disk(self):
        calls = []
        real = boot_state.write_sector

        def recorded(disk, offset, content):
            copies = boot_state.read_copies(disk)
            calls.append((offset, boot_state.decode(copies[0])["BOOT_A_LEFT"]))
            real(disk, offset, content)

        boot_state.write_sector = recorded
        self.addCleanup(setattr, boot_state, "write_sector", real)
        boot_state.update(self.disk, {"BOOT_A_LEFT": "1"})
        self.assertEqual(calls, [(FIRST, "3"), (SECOND, "1")])


if __name__ == "__main__":
    unittest.main()
