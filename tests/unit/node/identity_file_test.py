"""identity.yaml as people write it: every line end, every mistake, with its line."""

import base64
import codecs
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

identity_file = places.load("identity", "identity_file.py")


def key(kind="ssh-ed25519", seed=b"k", comment="me@laptop"):
    name = kind.encode()
    blob = struct.pack(">I", len(name)) + name + struct.pack(">I", 32) + seed * 32
    return f"{kind} {base64.b64encode(blob).decode()} {comment}".strip()


KEY, OTHER = key(), key(seed=b"o", comment="")
TEXT = f"# Who this node is\nversion: 1\nhostname: pi-1\nssh:\n  - {KEY}\n  - {OTHER}\n"


class Reading(unittest.TestCase):
    def good(self, content):
        found = identity_file.parse(content)
        self.assertEqual((found.hostname, found.keys, found.problems, found.notes), ("pi-1", [KEY, OTHER], [], []))

    def test_plain(self):
        self.good(TEXT.encode())

    def test_as_windows_saves_it(self):
        crlf = TEXT.replace("\n", "\r\n")
        self.good(codecs.BOM_UTF8 + crlf.encode())
        self.good(codecs.BOM_UTF16_LE + crlf.encode("utf-16-le"))
        self.good(codecs.BOM_UTF16_BE + crlf.encode("utf-16-be"))

    def test_without_a_last_line_end_and_with_old_mac_ones(self):
        self.good(TEXT.rstrip("\n").encode())
        self.good(TEXT.replace("\n", "\r").encode())

    def test_one_key_need_not_be_a_list(self):
        self.assertEqual(identity_file.parse(f"ssh: {KEY}\n".encode()).keys, [KEY])

    def test_the_same_key_counts_once_and_a_name_is_lower_case(self):
        found = identity_file.parse(f"hostname: PI-1\nssh: ['{KEY}', '{KEY}']\n".encode())
        self.assertEqual((found.hostname, found.keys, found.problems), ("pi-1", [KEY], []))

    def test_the_example_file_is_usable_and_has_no_key(self):
        found = identity_file.parse(b"version: 1\nhostname: my-pi\nssh: []\n# for example:\n")
        self.assertEqual((found.hostname, found.keys, found.problems, found.usable), ("my-pi", [], [], True))

    def test_what_a_newer_version_adds_is_noted_and_no_mistake(self):
        found = identity_file.parse(TEXT.encode() + b"wifi:\n  name: house\n")
        self.assertEqual(found.problems, [])
        self.assertEqual(found.notes, ["line 7: 'wifi' is not known to this image"])


class Mistakes(unittest.TestCase):
    def problems(self, text):
        found = identity_file.parse(text if isinstance(text, bytes) else text.encode())
        self.assertTrue(found.problems)
        return found

    def test_tells_the_line_and_uses_what_is_right(self):
        found = self.problems(f"hostname: pi_1\nssh:\n  - {KEY}\n  - ssh-ed25519 AAAA\n  - hello\n")
        self.assertEqual(found.keys, [KEY])
        self.assertEqual([problem.split(":")[0] for problem in found.problems], ["line 1", "line 4", "line 5"])
        self.assertIn("'pi_1'", found.problems[0])

    def test_yaml_that_is_none(self):
        for text in ("ssh:\n\t- x\n", "ssh: [a\n", "a: b: c\n", "hostname: 'x\n", "\0\0\0"):
            found = self.problems(text)
            self.assertFalse(found.usable)
        self.assertTrue(self.problems("hostname: ok\nssh: [a\nb: c\n").problems[0].startswith("line "))

    def test_what_is_no_identity_at_all(self):
        for text in ("", "# only a comment\n", "- a\n- b\n", "hello\n", "x" * 70000, b"\xff\xfe\xfd", b"caf\xe9: 1\n"):
            self.assertFalse(self.problems(text).usable)

    def test_not_utf8_is_told_with_its_line(self):
        found = self.problems(b"hostname: pi-1\n# caf\xe9\n")
        self.assertTrue(found.problems[0].startswith("line 2: not UTF-8"))

    def test_host_names(self):
        for name in ("-a", "a-", "a.b", "a b", "", "a" * 64, "[1, 2]", "{a: b}"):
            self.assertIsNone(self.problems(f"hostname: {name}\n").hostname)

    def test_keys_that_are_damaged(self):
        kind, body, _ = KEY.split(" ")
        other = key("ssh-rsa").split(" ")[1]
        for text in (kind, f"{kind} {body[:20]}", f"{kind} {body[:-5]}!", f"{kind} {other}", f"ssh-dss {body}"):
            found = self.problems(f"ssh:\n  - {text}\n")
            self.assertEqual(found.keys, [], text)

    def test_a_private_key_is_refused_and_never_repeated(self):
        secret = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 2
        whole = f"-----BEGIN OPENSSH PRIVATE KEY-----\n    {secret}\n    -----END OPENSSH PRIVATE KEY-----"
        for text in (f"ssh: |\n    {whole}\n", f"ssh:\n  - {secret}\n"):
            found = self.problems(text)
            self.assertNotIn(secret, " ".join(found.problems))
        self.assertIn("private key", self.problems(f"ssh: |\n    {whole}\n").problems[0])

    def test_options_before_a_key_are_not_allowed(self):
        self.assertEqual(self.problems(f"ssh:\n  - command=\"/bin/sh\" {KEY}\n").keys, [])

    def test_a_key_cannot_bring_a_second_line(self):
        found = identity_file.parse(f'ssh:\n  - "{KEY}\\nssh-ed25519 x"\n'.encode())
        self.assertTrue(all("\n" not in line for line in found.keys))

    def test_no_file_breaks_it(self):
        for content in (b"&a [*a]", b"a: &a [*a, *a]", b"[" * 30000, b"!!python/object:os.system x", b"? \n: \n"):
            self.assertFalse(identity_file.parse(content).usable)


if __name__ == "__main__":
    unittest.main()
