"""Action plugin behind the `rootfs` module: reads a role's rootfs/ folder and sends it in one piece.

Options of a task, all optional:
  src          folder to copy, relative to the role (default: rootfs, when the role has one).
               A file is 0755 when its owner may execute it, else 0644; links stay links.
  content      {path: text}, for files whose text comes from variables or a template lookup
  modes        {path: octal text}, for files that are neither 0644 nor 0755
  links        {path: target}, symbolic links
  directories  {path: octal text}
  masked       [unit], systemd units that must never start
  absent       [path or wildcard], removed before anything is put
  uboot        {path: text}, U-Boot scripts: wrapped here with mkimage, since U-Boot sources nothing else
"""

from __future__ import annotations

import base64
import os
import re
import stat
import subprocess
import tempfile

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

OPTIONS = ("src", "content", "modes", "links", "directories", "masked", "absent", "uboot")


def entries_of(folder: str) -> list[dict]:
    """Every file and link below `folder`, in the order of their paths."""
    found = []
    for here, folders, files in os.walk(folder):
        linked = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in files + linked:
            source = os.path.join(here, name)
            path = "/" + os.path.relpath(source, folder)
            if os.path.islink(source):
                found.append({"path": path, "type": "link", "target": os.readlink(source)})
                continue
            executable = os.stat(source).st_mode & stat.S_IXUSR
            with open(source, "rb") as handle:
                found.append(file_entry(path, handle.read(), "0755" if executable else "0644"))
    return sorted(found, key=lambda entry: entry["path"])


def file_entry(path: str, content: bytes, mode: str) -> dict:
    return {
        "path": path,
        "type": "file",
        "mode": mode,
        "content": base64.b64encode(content).decode("ascii"),
    }


def uboot_script(text: str, epoch: int) -> bytes:
    """A script in U-Boot's image format, dated so that equal scripts give equal images."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "script"), os.path.join(folder, "image")
        with open(source, "w", encoding="utf-8") as handle:
            handle.write(text)
        command = ["mkimage", "-q", "-A", "arm64", "-T", "script", "-C", "none", "-n", "slot", "-d", source, target]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AnsibleActionFail(f"rootfs: mkimage failed: {done.stdout}{done.stderr}")
        with open(target, "rb") as handle:
            return handle.read()


def entries_from(args: dict, folder: str | None) -> list[dict]:
    """The list for the module: removals first, then directories, files and links, sorted by path."""
    modes = args.get("modes") or {}
    put = entries_of(folder) if folder else []
    for path, text in (args.get("content") or {}).items():
        put.append(file_entry(path, str(text).encode("utf-8"), "0644"))
    for path, target in (args.get("links") or {}).items():
        put.append({"path": path, "type": "link", "target": str(target)})
    for unit in args.get("masked") or []:
        put.append({"path": f"/etc/systemd/system/{unit}", "type": "link", "target": "/dev/null"})
    for entry in put:
        if entry["type"] == "file" and entry["path"] in modes:
            entry["mode"] = str(modes[entry["path"]])
    directories = [
        {"path": path, "type": "directory", "mode": str(mode)}
        for path, mode in sorted((args.get("directories") or {}).items())
    ]
    absent = [{"path": path, "type": "absent"} for path in args.get("absent") or []]
    return absent + directories + sorted(put, key=lambda entry: entry["path"])


def mistakes_of(entries: list[dict], modes: dict) -> list[str]:
    """What a role's author got wrong, in words; an empty list when nothing is."""
    paths = [entry["path"] for entry in entries]
    wrong = [f"{path}: not an absolute path" for path in paths if not path.startswith("/")]
    put = [entry["path"] for entry in entries if entry["type"] != "absent"]
    wrong += [f"{path}: named twice" for path in sorted(set(put)) if put.count(path) > 1]
    wrong += [f"{path}: a mode, but no file" for path in sorted(set(modes) - set(paths))]
    for entry in entries:
        if not re.fullmatch("0[0-7]{3}", entry.get("mode", "0644")):
            wrong.append(f"{entry['path']}: mode {entry['mode']!r} is not octal text such as '0644'")
    return wrong


class ActionModule(ActionBase):
    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        args = self._task.args
        unknown = sorted(set(args) - set(OPTIONS))
        if unknown:
            raise AnsibleActionFail(f"rootfs has no option {', '.join(unknown)}; it has {', '.join(OPTIONS)}")
        role = task_vars.get("role_path") or ""
        folder = os.path.join(role, str(args.get("src", "rootfs")))
        if not os.path.isdir(folder):
            if "src" in args:
                raise AnsibleActionFail(f"rootfs: src: there is no folder {folder}")
            folder = None
        entries = entries_from(args, folder)
        epoch = int(self._templar.template(task_vars["home_pi"]["epoch"]))
        for path, text in (args.get("uboot") or {}).items():
            entries.append(file_entry(path, uboot_script(str(text), epoch), "0644"))
        wrong = mistakes_of(entries, args.get("modes") or {})
        if wrong:
            raise AnsibleActionFail("rootfs: " + "; ".join(wrong))
        return self._execute_module(
            module_name="rootfs",
            module_args={"entries": entries, "epoch": epoch},
            task_vars=task_vars,
        )
