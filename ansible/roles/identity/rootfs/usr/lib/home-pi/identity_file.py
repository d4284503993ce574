"""Reads identity.yaml: who a node is and who may log in. Pure: text in, Identity out.

A person writes the file on whatever computer they have, so byte order marks, Windows line ends and
UTF-16 are taken as they come. What is wrong is told with its line, what is right is still used.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import dataclasses
import re
import struct

import yaml

MAX_BYTES = 64 * 1024
HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
# What a file may hold that anybody may know. Anything else counts as secret.
KNOWN = ("version", "hostname", "ssh", "update")
ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


@dataclasses.dataclass
class Identity:
    """`problems` were not used and want a person; `notes` are only worth saying."""

    hostname: str | None = None
    keys: list[str] = dataclasses.field(default_factory=list)
    # Of the update manifest, where it is not the one the image names.
    update_address: str | None = None
    problems: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    # Nothing is in the file that only the node may know.
    public: bool = True

    @property
    def usable(self) -> bool:
        return self.hostname is not None or self.keys != []


def parse(content: bytes) -> Identity:
    """Everything that can be made of the file's bytes. Never raises for what a file may hold."""
    if len(content) > MAX_BYTES:
        return Identity(problems=[f"the file has {len(content)} bytes; {MAX_BYTES} are the most"])
    try:
        text = decode(content)
    except UnicodeDecodeError as failure:
        line = content[: failure.start].count(b"\n") + 1
        return Identity(problems=[f"line {line}: not UTF-8 text; save the file as UTF-8"])
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return Identity(problems=[f"{place}not YAML: {failure.problem or failure.context}"])
    except yaml.YAMLError as failure:
        return Identity(problems=[f"not YAML: {' '.join(str(failure).split())}"])
    except RecursionError:
        return Identity(problems=["not an identity: nested far too deep"])
    return of_node(root)


def public_part(identity: Identity) -> bytes:
    """An identity file with nothing in it but what anybody may know."""
    update = {"address": identity.update_address} if identity.update_address else None
    facts = {"version": 1, "hostname": identity.hostname, "ssh": identity.keys, "update": update}
    text = yaml.safe_dump({name: value for name, value in facts.items() if value is not None}, sort_keys=False)
    return f"# The rest of this file was moved to the node.\n{text}".encode()


def decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def of_node(root: yaml.Node | None) -> Identity:
    identity = Identity()
    if root is None:
        identity.problems.append("the file is empty")
        return identity
    if not isinstance(root, yaml.MappingNode):
        identity.problems.append(f"{place(root)}expected lines such as 'hostname: pi-1'")
        return identity
    for key, value in root.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name == "hostname":
            take_hostname(identity, value)
        elif name == "ssh":
            take_keys(identity, value)
        elif name == "update":
            take_update(identity, value)
        elif name not in KNOWN:
            # A newer file on an older image is no mistake.
            identity.public = False
            identity.notes.append(f"{place(key)}{name!r} is not known to this image")
    return identity


def take_hostname(identity: Identity, node: yaml.Node) -> None:
    name = node.value.strip().lower() if isinstance(node, yaml.ScalarNode) else ""
    if HOSTNAME.fullmatch(name):
        identity.hostname = name
    else:
        shown = node.value if isinstance(node, yaml.ScalarNode) else "a list"
        identity.problems.append(
            f"{place(node)}hostname {shown!r}: at most 63 letters, digits and dashes, no dash at an end"
        )


def take_keys(identity: Identity, node: yaml.Node) -> None:
    if isinstance(node, yaml.ScalarNode):
        entries = [node] if node.value.strip() else []
    elif isinstance(node, yaml.SequenceNode):
        entries = node.value
    else:
        identity.problems.append(f"{place(node)}ssh: expected a list of public keys")
        return
    for entry in entries:
        text = " ".join(entry.value.split()) if isinstance(entry, yaml.ScalarNode) else ""
        wrong = mistake_in_key(text)
        if wrong:
            identity.problems.append(f"{place(entry)}ssh: {wrong}")
        elif text not in identity.keys:
            identity.keys.append(text)


def take_update(identity: Identity, node: yaml.Node) -> None:
    entries = node.value if isinstance(node, yaml.MappingNode) else []
    for key, value in entries:
        address = value.value.strip() if isinstance(value, yaml.ScalarNode) else ""
        if key.value == "address" and ADDRESS.fullmatch(address):
            identity.update_address = address
            return
    identity.problems.append(f"{place(node)}update: expected an address such as 'address: http://store.local:8080/manifest/'")


def mistake_in_key(text: str) -> str | None:
    """What is wrong with one line of authorized_keys, or None. Options before the key are not allowed."""
    if "PRIVATE KEY" in text:
        return "this is a private key! Use the file that ends in .pub, and make a new key"
    words = text.split(" ")
    if words[0] not in KEY_TYPES:
        # Only its start: what was pasted by mistake may be a secret.
        return f"{words[0][:12]!r} is no type of key; a key starts with {KEY_TYPES[0]} or the like"
    if len(words) < 2:
        return "the key itself is missing behind its type"
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        return "the key is not whole: it is not base64"
    name = words[0].encode()
    if len(blob) < 40 or blob[:4] != struct.pack(">I", len(name)) or blob[4 : 4 + len(name)] != name:
        return f"the key is not whole: what is inside is not {words[0]}"
    if not text.isprintable():
        return "there are characters in it that cannot be printed"
    return None


def place(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}: "
