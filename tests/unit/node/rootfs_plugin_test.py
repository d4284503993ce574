"""The rootfs action: which entries it makes of a role. Ansible itself is only imported by name here."""

import base64
import pathlib
import sys
import tempfile
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import places

for name in ("ansible", "ansible.errors", "ansible.plugins", "ansible.plugins.action"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["ansible.errors"].AnsibleActionFail = Exception
sys.modules["ansible.plugins.action"].ActionBase = object
plugin = places.load_path("rootfs_action", places.ANSIBLE / "action_plugins/rootfs.py")


class Entries(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def entries(self, **args):
        return plugin.entries_from(args, str(self.folder))

    def test_takes_files_links_and_modes_whatever_the_checkouts_umask(self):
        (self.folder / "usr/lib").mkdir(parents=True)
        for name, mode in (("tool", 0o700), ("data", 0o600)):
            (self.folder / "usr/lib" / name).write_text(name)
            (self.folder / "usr/lib" / name).chmod(mode)
        (self.folder / "etc").mkdir()
        (self.folder / "etc/link").symlink_to("/usr/lib/tool")
        (self.folder / "etc/folder").symlink_to("/usr/lib")
        found = {entry["path"]: entry for entry in self.entries()}
        self.assertEqual(list(found), sorted(found))
        self.assertEqual(found["/usr/lib/tool"]["mode"], "0755")
        self.assertEqual(found["/usr/lib/data"]["mode"], "0644")
        self.assertEqual(base64.b64decode(found["/usr/lib/data"]["content"]), b"data")
        self.assertEqual(found["/etc/link"], {"path": "/etc/link", "type": "link", "target": "/usr/lib/tool"})
        self.assertEqual(found["/etc/folder"]["type"], "link")

    def test_removes_first_and_masks_by_link(self):
        found = self.entries(absent=["/etc/x*"], masked=["a.timer"], directories={"/data": "0755"})
        self.assertEqual([entry["type"] for entry in found], ["absent", "directory", "link"])
        self.assertEqual(found[2]["path"], "/etc/systemd/system/a.timer")
        self.assertEqual(found[2]["target"], "/dev/null")

    def test_names_every_mistake(self):
        args = {"content": {"etc/x": "", "/a": ""}, "links": {"/a": "b"}, "directories": {"/d": "0755"}}
        wrong = plugin.mistakes_of(self.entries(**args), {"/nowhere": "0600"})
        self.assertEqual(len(wrong), 3, wrong)
        self.assertIn("etc/x: not an absolute path", wrong)
        self.assertIn("/a: named twice", wrong)
        self.assertIn("/nowhere: a mode, but no file", wrong)
        # YAML reads an unquoted 0755 as the number 493.
        for mode in ("rwx", 493, 420):
            wrong = plugin.mistakes_of(self.entries(directories={"/d": mode}), {})
            self.assertEqual(wrong, [f"/d: mode '{mode}' is not octal text such as '0644'"])


if __name__ == "__main__":
    unittest.main()
