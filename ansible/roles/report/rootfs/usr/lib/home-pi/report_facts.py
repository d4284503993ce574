"""The facts of a report, each a function without arguments that raises when it cannot tell."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import ipaddress
import json
import os
import socket
import struct
import subprocess

import boot_state

SECTOR = 512
# A partition is grown when no more than this is left behind it: tools align its end.
GROWN_SLACK = 16 * 1024 * 1024
SIOCGIFADDR = 0x8915
LARGEST_PROCESSES = 10


def output(*call):
    """Standard output of a command; its exit status says nothing (is-system-running: 1 for degraded)."""
    return subprocess.run(call, capture_output=True, text=True, timeout=60, check=False).stdout


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as handle:
        return handle.read()


def system_state():
    return output("systemctl", "is-system-running").strip()


def jobs():
    lines = output("systemctl", "--no-legend", "--plain", "list-jobs").splitlines()
    return ", ".join(line.split()[1] for line in lines if len(line.split()) > 1)


def build():
    facts = json.loads(text_of("/usr/lib/home-pi/build.json"))
    return {name: facts[name] for name in ("cluster", "profile", "board", "role", "buildId")}


def slot():
    for word in text_of("/proc/cmdline").split():
        if word.startswith("home-pi.slot="):
            return word.partition("=")[2]
    raise LookupError("home-pi.slot is not on the kernel command line")


def kernel():
    return os.uname().release


def failed_units():
    lines = output("systemctl", "--no-legend", "--plain", "list-units", "--failed", "--all").splitlines()
    return [line.split()[0] for line in lines if line.strip()]


def root_read_only():
    return bool(os.statvfs("/").f_flag & os.ST_RDONLY)


def mounts(text=None):
    """{mount point: (path inside the file system, type, source)}; the last one mounted counts."""
    found = {}
    for line in (text if text is not None else text_of("/proc/self/mountinfo")).splitlines():
        words = line.split()
        separator = words.index("-")
        found[words[4]] = (words[3], words[separator + 1], words[separator + 2])
    return found


def data(table=None, place="/data"):
    table = table if table is not None else mounts()
    mounted = "/data" in table and table["/data"][1] != "tmpfs"
    facts = {"mounted": mounted, "sizeBytes": 0, "grown": False, "device": table["/data"][2] if mounted else ""}
    room = os.statvfs(place)
    facts |= {"freeBytes": room.f_bavail * room.f_frsize, "freeInodes": room.f_favail}
    facts |= {"state": "ok" if mounted else "tmpfs", "reason": "/run/home-pi/data.json is missing"}
    with contextlib.suppress(OSError, ValueError):
        state = json.loads(text_of("/run/home-pi/data.json"))
        facts |= {name: state.get(name) or "" for name in ("state", "reason", "device")}
    if facts["mounted"]:
        entry = os.path.realpath("/sys/class/block/" + os.path.basename(os.path.realpath(table["/data"][2])))
        start, size = (int(text_of(f"{entry}/{name}")) * SECTOR for name in ("start", "size"))
        disk = int(text_of(f"{os.path.dirname(entry)}/size")) * SECTOR
        facts["sizeBytes"] = size
        # Both the partition and what is in it: one without the other is half a growth.
        facts["grown"] = disk - start - size <= GROWN_SLACK and room.f_blocks * room.f_frsize >= size * 0.9
    return facts


def var_source(table=None):
    table = table if table is not None else mounts()
    inside, kind, source = table["/var"]
    if kind == "tmpfs":
        return "tmpfs"
    outer = table.get("/data")
    return f"/data{inside}" if outer and outer[2] == source else f"{source}:{inside}"


def boot_state_fact():
    disk = boot_state.find_disk()
    copies = boot_state.read_copies(disk)
    variables = boot_state.read(disk)
    return {
        "valid": [boot_state.decode(copy) is not None for copy in copies],
        "equal": copies[0] == copies[1],
        "order": variables.get("BOOT_ORDER", ""),
        "aLeft": int(variables.get("BOOT_A_LEFT", "0"), 16),
        "bLeft": int(variables.get("BOOT_B_LEFT", "0"), 16),
        "fresh": variables.get("FRESH", ""),
    }


def rauc(text=None):
    status = json.loads(text if text is not None else output("rauc", "status", "--output-format=json"))
    slots = [(name, facts) for entry in status["slots"] for name, facts in entry.items()]
    return {
        "compatible": status["compatible"],
        "booted": status["booted"],
        "slots": [
            {
                "name": name,
                "bootname": facts.get("bootname"),
                "state": facts.get("state"),
                "bootStatus": facts.get("boot_status"),
            }
            for name, facts in sorted(slots, key=lambda pair: pair[0])
        ],
    }


def marked_good():
    return os.path.exists("/run/home-pi/marked-good")


def secrets():
    """What the image itself holds, seen without what is mounted over it."""
    place = "/run/home-pi/image"
    os.makedirs(place, exist_ok=True)
    subprocess.run(["mount", "--bind", "/", place], check=True, capture_output=True)
    try:
        return secrets_in(place)
    finally:
        subprocess.run(["umount", place], check=False)
        with contextlib.suppress(OSError):
            os.rmdir(place)


def secrets_in(root):
    patterns = ("etc/ssh/ssh_host_*", "var/lib/systemd/random-seed", "root/.ssh/authorized_keys")
    accounts = [line.split(":") for line in text_of(f"{root}/etc/shadow").splitlines() if ":" in line]
    machine_ids = [f"{root}/etc/machine-id", f"{root}/var/lib/dbus/machine-id"]
    return {
        "hostKeysInImage": sorted(
            "/" + os.path.relpath(path, root) for pattern in patterns for path in glob.glob(f"{root}/{pattern}")
        ),
        # An empty field is the worst password of all.
        "usersWithPassword": [fields[0] for fields in accounts if not fields[1].startswith(("!", "*"))],
        "machineIdInImage": any(
            not os.path.islink(path) and text_of(path).strip() not in ("", "uninitialized")
            for path in machine_ids
            if os.path.lexists(path)
        ),
    }


def identity():
    facts = json.loads(text_of("/run/home-pi/identity.json"))
    return {"present": facts["present"], "keys": facts["keys"]}


def network():
    return [
        {"name": name, "addresses": ipv4_of(name) + ipv6_of(name)}
        for name in sorted(os.listdir("/sys/class/net"))
        if name != "lo"
    ]


def ipv4_of(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            answer = fcntl.ioctl(door, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
        except OSError:
            return []
    return [socket.inet_ntoa(answer[20:24])]


def ipv6_of(name):
    try:
        lines = text_of("/proc/net/if_inet6").splitlines()
    except OSError:
        return []
    return [str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in lines if line.split()[5] == name]


def memory():
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in text_of("/proc/meminfo").splitlines()}
    return {
        "totalBytes": sizes["MemTotal"],
        "availableBytes": sizes["MemAvailable"],
        "kernelBytes": sizes["Slab"] + sizes["KernelStack"] + sizes["PageTables"] + sizes["Percpu"],
        "processes": processes()[:LARGEST_PROCESSES],
    }


def processes():
    """Name and own share of memory (PSS) of each process, largest first."""
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        # It may end meanwhile; a kernel thread has no memory of its own.
        with contextlib.suppress(OSError):
            lines = text_of(f"{folder}/smaps_rollup").splitlines()
            share = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
            found.append({"name": text_of(f"{folder}/comm").strip(), "bytes": share})
    return sorted(found, key=lambda process: -process["bytes"])


FACTS = (
    (None, build),
    ("slot", slot),
    ("kernel", kernel),
    ("systemState", system_state),
    ("failedUnits", failed_units),
    ("rootReadOnly", root_read_only),
    ("data", data),
    ("varSource", var_source),
    ("bootState", boot_state_fact),
    ("rauc", rauc),
    ("markedGood", marked_good),
    ("secrets", secrets),
    ("hostname", lambda: os.uname().nodename),
    ("machineId", lambda: text_of("/etc/machine-id").strip()),
    ("identity", identity),
    ("network", network),
    ("memory", memory),
    ("uptimeSeconds", lambda: int(float(text_of("/proc/uptime").split()[0]))),
)
