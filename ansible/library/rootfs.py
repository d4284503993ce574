#!/usr/bin/python
# Not python3: Ansible looks ansible_python_interpreter up by this name.
"""Ansible module: make paths of the node's tree what a role says they are, in one run."""

from __future__ import annotations

import base64
import glob
import os
import shutil
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: rootfs
short_description: Put a role's files, links and directories into the node's tree
description:
  - Does in one module run what C(copy), C(template) and C(file) need dozens for. Under emulation a
    run costs 5 to 13 seconds whatever it does, so a role has one of these and little else.
  - The files are read and rendered on the controller by the action plugin of the same name, which
    documents the options a task gives. This module only receives the finished list of entries.
  - Owner is always root, and the time of every file the build's epoch, so that two builds are equal.
options:
  entries:
    description:
      - "What is to be there. Each has path and type (file, link, directory or absent), and as the type
        wants them: mode (octal text), content (base64), target."
      - An absent path may hold shell wildcards.
    type: list
    elements: dict
    required: true
  epoch:
    description: Time given to every file, in seconds since 1970.
    type: int
    required: true
author:
  - Home Pi Cluster (@home-pi-cluster)
"""

EXAMPLES = r"""
- name: Put the role's files in place
  rootfs:
    links:
      /etc/resolv.conf: ../run/systemd/resolve/stub-resolv.conf
    masked: [apt-daily.timer]
"""

RETURN = r"""
paths:
  description: The paths that were changed, sorted.
  returned: always
  type: list
  elements: str
"""


def remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def differs(path: str, mode: int | None, epoch: int | None) -> bool:
    state = os.lstat(path)
    return (
        (mode is not None and stat.S_IMODE(state.st_mode) != mode)
        or (state.st_uid, state.st_gid) != (0, 0)
        or (epoch is not None and int(state.st_mtime) != epoch)
    )


def settle(path: str, mode: int | None, epoch: int | None) -> None:
    os.lchown(path, 0, 0)
    if mode is not None:
        os.chmod(path, mode)
    if epoch is not None:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def put_file(entry: dict, epoch: int, dry: bool) -> bool:
    path, mode = entry["path"], int(entry["mode"], 8)
    content = base64.b64decode(entry["content"])
    regular = os.path.isfile(path) and not os.path.islink(path)
    if regular:
        with open(path, "rb") as handle:
            same = handle.read() == content
        if same and not differs(path, mode, epoch):
            return False
    if dry:
        return True
    if not regular and os.path.lexists(path):
        remove(path)
    make_parents(path)
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".rootfs-")
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    settle(scratch, mode, epoch)
    os.rename(scratch, path)
    return True


def put_link(entry: dict, epoch: int, dry: bool) -> bool:
    path, target = entry["path"], entry["target"]
    if os.path.islink(path) and os.readlink(path) == target and not differs(path, None, epoch):
        return False
    if dry:
        return True
    if os.path.lexists(path):
        remove(path)
    make_parents(path)
    os.symlink(target, path)
    settle(path, None, epoch)
    return True


def put_directory(entry: dict, dry: bool) -> bool:
    path, mode = entry["path"], int(entry["mode"], 8)
    if os.path.isdir(path) and not differs(path, mode, None):
        return False
    if dry:
        return True
    os.makedirs(path, mode=0o755, exist_ok=True)
    settle(path, mode, None)
    return True


def put_absent(entry: dict, dry: bool) -> bool:
    found = glob.glob(entry["path"], include_hidden=True)
    if os.path.lexists(entry["path"]) and entry["path"] not in found:
        found.append(entry["path"])
    if not dry:
        for path in found:
            remove(path)
    return bool(found)


def make_parents(path: str) -> None:
    parent = os.path.dirname(path)
    missing = []
    while not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    for directory in reversed(missing):
        os.mkdir(directory)
        settle(directory, 0o755, None)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "entries": {"type": "list", "elements": "dict", "required": True},
            "epoch": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    epoch, dry = module.params["epoch"], module.check_mode
    put = {
        "file": lambda entry: put_file(entry, epoch, dry),
        "link": lambda entry: put_link(entry, epoch, dry),
        "directory": lambda entry: put_directory(entry, dry),
        "absent": lambda entry: put_absent(entry, dry),
    }
    changed = []
    for entry in module.params["entries"]:
        try:
            if put[entry["type"]](entry):
                changed.append(entry["path"])
        except OSError as failure:
            module.fail_json(msg=f"cannot put {entry['type']} {entry['path']}: {failure}")
    module.exit_json(changed=bool(changed), paths=sorted(changed))


if __name__ == "__main__":
    main()
