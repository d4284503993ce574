"""The boot state: which slot starts next, in two 512-byte copies in raw sectors of the boot disk.

A copy is what `mkenvimage -s 512` makes: CRC32 (little endian) of the 508 bytes behind it, then
NAME=VALUE entries, each ended by a zero byte, the list by one more. Reading takes the first valid
copy. Writing finishes copy 1 before it touches copy 2, so one of them is whole at any moment.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import re
import struct
import zlib

COPY_OFFSETS = (8192, 4194304)
COPY_SIZE = 512
DATA_SIZE = COPY_SIZE - 4
# What the boot script assumes when neither copy is valid. FRESH is off: data is never made anew
# because a sector was lost.
DEFAULTS = {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3", "FRESH": "0", "CONTRACT": "1"}
DISK_VARIABLE = "HOME_PI_BOOT_DISK"
BOOT_LINK = "/dev/disk/pi/boot"


class BootStateError(Exception):
    """The state cannot be read, or must not be written as asked."""


def decode(copy: bytes) -> dict[str, str] | None:
    """The variables of one copy in their order, or None when it is torn or was never written."""
    if len(copy) != COPY_SIZE:
        return None
    (crc,) = struct.unpack("<I", copy[:4])
    data = copy[4:]
    if zlib.crc32(data) != crc:
        return None
    variables = {}
    for entry in data.split(b"\0"):
        if entry == b"":
            break
        name, equals, value = entry.partition(b"=")
        if not equals:
            return None
        variables[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    return variables


def encode(variables: dict[str, str]) -> bytes:
    """One copy, 512 bytes. Raises BootStateError when a name or value cannot stand in it."""
    for name, value in variables.items():
        if not re.fullmatch(r"[!-<>-~]+", name):
            raise BootStateError(f"{name!r} is no name for a variable: printable ASCII without spaces and '='")
        if "\0" in value or "\n" in value:
            raise BootStateError(f"the value of {name} has a zero byte or a line break: {value!r}")
    text = b"".join(f"{name}={value}".encode() + b"\0" for name, value in variables.items()) + b"\0"
    if len(text) > DATA_SIZE:
        raise BootStateError(f"the variables take {len(text)} bytes, and a copy holds {DATA_SIZE}")
    data = text.ljust(DATA_SIZE, b"\0")
    return struct.pack("<I", zlib.crc32(data)) + data


def find_disk() -> str:
    """Path of the boot disk: the whole disk that p1 is part of, or else the running root."""
    named = os.environ.get(DISK_VARIABLE)
    if named:
        return named
    if os.path.exists(BOOT_LINK):
        partition = os.path.basename(os.path.realpath(BOOT_LINK))
        entry = os.path.realpath(f"/sys/class/block/{partition}")
    else:
        root = os.stat("/").st_dev
        entry = os.path.realpath(f"/sys/dev/block/{os.major(root)}:{os.minor(root)}")
    if not os.path.exists(os.path.join(entry, "partition")):
        raise BootStateError(f"cannot tell the boot disk: {BOOT_LINK} is missing and {entry} is no partition")
    return "/dev/" + os.path.basename(os.path.dirname(entry)).replace("!", "/")


def read_copies(disk: str) -> list[bytes]:
    """Both copies as they stand on the disk; one that lies behind its end is shorter than 512 bytes."""
    with open(disk, "rb", buffering=0) as handle:
        return [os.pread(handle.fileno(), COPY_SIZE, offset) for offset in COPY_OFFSETS]


def read(disk: str) -> dict[str, str]:
    """The variables in force: of the first valid copy, or the boot script's own defaults."""
    for copy in read_copies(disk):
        variables = decode(copy)
        if variables is not None:
            return variables
    return dict(DEFAULTS)


def update(disk: str, changes: dict[str, str | None]) -> None:
    """Sets variables in both copies; None or an empty value removes one, as fw_setenv does."""
    with locked(disk):
        variables = read(disk)
        for name, value in changes.items():
            if value:
                variables[name] = value
            else:
                variables.pop(name, None)
        wanted = encode(variables)
        # A card wears by writes: a copy that already says so is left alone.
        for offset, copy in zip(COPY_OFFSETS, read_copies(disk)):
            if copy != wanted:
                write_sector(disk, offset, wanted)


@contextlib.contextmanager
def locked(disk: str):
    """Holds off every other writer. The lock is on the disk itself, which udev respects as well."""
    with open(disk, "rb", buffering=0) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_sector(disk: str, offset: int, content: bytes) -> None:
    """Writes one sector and returns when the disk has it. Direct, so that nothing around it is written."""
    try:
        handle = os.open(disk, os.O_WRONLY | os.O_SYNC | os.O_DIRECT)
    except OSError as failure:
        if failure.errno != errno.EINVAL:
            raise
        handle = os.open(disk, os.O_WRONLY | os.O_SYNC)
    try:
        # Direct writes want aligned memory, which an anonymous map has.
        with mmap.mmap(-1, mmap.PAGESIZE) as buffer:
            buffer[: len(content)] = content
            with memoryview(buffer) as view:
                written = write_at(handle, view[: len(content)], offset)
        if written != len(content):
            raise BootStateError(f"{disk}: {written} of {len(content)} bytes written at {offset}")
        os.fsync(handle)
    finally:
        os.close(handle)


def write_at(handle: int, content: memoryview, offset: int) -> int:
    try:
        return os.pwrite(handle, content, offset)
    except OSError as failure:
        if failure.errno != errno.EINVAL:
            raise
        # A disk or file system with larger sectors refuses 512 direct bytes.
        flags = fcntl.fcntl(handle, fcntl.F_GETFL)
        fcntl.fcntl(handle, fcntl.F_SETFL, flags & ~os.O_DIRECT)
        return os.pwrite(handle, content, offset)
    finally:
        content.release()
