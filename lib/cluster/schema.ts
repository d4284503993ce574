import { z } from "zod";
import type { Json } from "./plan.ts";
import { MAX_WAYPOINTS } from "./serial.ts";
import { objectToSshKey } from "./ssh-key.ts";
import {
  NAME_PATTERN,
  OVERLAY_PATTERN,
  objectToName,
  objectToOverlay,
  objectToPackage,
  objectToRole,
  objectToSnapshot,
  PACKAGE_PATTERN,
  ROLE_PATTERN,
  SNAPSHOT_PATTERN,
  type TextRule,
  textOfForm,
  VARIABLE_PATTERN,
} from "./text-rules.ts";
import { objectToWindow, WINDOW_PATTERN } from "./update-window.ts";
import { objectToWaypoint, WAYPOINT_PATTERN } from "./waypoint.ts";

/** A text under a rule; the pattern is for editors, the rule says what is wrong in words. */
function text(rule: TextRule, description: string, pattern?: string): z.ZodString {
  const checked = z.string().check((context) => {
    const objection = rule(context.value);
    if (objection === undefined) return;
    context.issues.push({ code: "custom", input: context.value, params: { objection } });
  });
  return checked.meta({ description, ...(pattern === undefined ? {} : { pattern }) });
}

/** Keys under a pattern for editors. The loader judges them itself: zod skips the value of a bad key. */
const key = (pattern: string) => z.string().meta({ pattern });

export const nodeName = text(objectToName, "A DNS label: a-z, 0-9 and -", NAME_PATTERN);
export const sshKeys = z
  .array(text(objectToSshKey, "One line of a .pub file"))
  .meta({ description: "Public keys that may log in. Without one nobody can." });

export const updateAddress = text(
  textOfForm(
    "^https?://[^\\s/?#]+(/[^\\s?#]*)?$",
    "a web address",
    "write where the update manifest lies, for example https://ME.github.io/home-pi-cluster/",
  ),
  "Where nodes read the update manifest: https://..., or http://... in your own network",
  "^https?://[^\\s/?#]+(/[^\\s?#]*)?$",
);

const update = z
  .strictObject({
    channel: z
      .enum(["stable", "beta"])
      .default("stable")
      .meta({ description: "Which releases nodes follow" }),
    mode: z
      .enum(["auto", "ask", "off"])
      .default("auto")
      .meta({ description: "auto: install and restart; ask: tell only; off: do not look" }),
    window: text(
      objectToWindow,
      `When nodes may restart: "02:00-05:00 Europe/London"`,
      WINDOW_PATTERN,
    ).optional(),
    address: updateAddress.optional(),
    waypoints: z
      .array(text(objectToWaypoint, `A released version: "1.4.0"`, WAYPOINT_PATTERN))
      .optional()
      .meta({
        description: `Versions every node must have run before it goes past them, the oldest first: ["1.4.0"]`,
        uniqueItems: true,
        maxItems: MAX_WAYPOINTS,
      }),
  })
  .meta({ description: "How nodes follow releases" });

const base = z
  .strictObject({
    suite: z
      .enum(["trixie"])
      .default("trixie")
      .meta({ description: "Debian release the images are made of" }),
    snapshot: text(
      objectToSnapshot,
      "Pins every package to a moment of snapshot.debian.org: 20261115T000000Z",
      SNAPSHOT_PATTERN,
    ).optional(),
    url: text(
      textOfForm("^(https?|file)://\\S+$", "a URL", "write a URL that begins with https:// or file://"),
      "A ready-made base: a tar of a root file system, used instead of the archive",
    ).optional(),
    sha256: text(
      textOfForm("^[0-9a-f]{64}$", "a SHA-256", "write the 64 hex digits, lower case, that sha256sum prints"),
      "SHA-256 of the file behind url",
      "^[0-9a-f]{64}$",
    ).optional(),
  })
  .meta({ description: "What images start from" });

const ansible = z
  .strictObject({
    vars: z.record(key(VARIABLE_PATTERN), z.custom<Json>()).default({}).meta({
      description: "Variables for the playbook and your roles; a child's value replaces its parent's",
    }),
    roles: z
      .array(text(objectToRole, "A folder beside this file, for example ./my-role", ROLE_PATTERN))
      .default([])
      .meta({ description: "Roles run after the node's own, the parent's first" }),
  })
  .meta({ description: "What Ansible does on top" });

const boot = z
  .strictObject({
    overlays: z
      .array(text(objectToOverlay, "File name without .dtbo", OVERLAY_PATTERN))
      .default([])
      .meta({ description: "Device tree overlays, applied in this order, the parent's first" }),
    watchdog: z
      .boolean()
      .optional()
      .meta({ description: "Whether booting arms the hardware watchdog (default true)" }),
  })
  .meta({ description: "How nodes boot" });

const profile = z
  .strictObject({
    abstract: z.boolean().default(false).meta({ description: "Only a parent for others: no image is built" }),
    extends: z.string().optional().meta({ description: "The profile this one starts from" }),
    board: z.string().optional().meta({ description: "What it boots on; rpi-arm64 is a Pi 3 or 4" }),
    role: z.enum(["server", "agent"]).optional().meta({ description: "The node's part in the cluster" }),
    packages: z
      .array(text(objectToPackage, "A Debian package", PACKAGE_PATTERN))
      .default([])
      .meta({ description: "Debian packages, added to the parent's" }),
    ansible: ansible.prefault({}),
    boot: boot.prefault({}),
  })
  .meta({ description: "A kind of node: one image for each that is not abstract" });

const node = z
  .strictObject({
    profile: z.string().meta({ description: "What it runs" }),
    ssh: sshKeys.default([]),
    plug: text(
      textOfForm(
        "^[^\\s+#/]+(/[^\\s+#/]+)*$",
        "an MQTT topic",
        "write the plug's topic, for example zigbee2mqtt/pi-2",
      ),
      "MQTT topic of the plug that switches its power",
    ).optional(),
  })
  .meta({ description: "One machine" });

/** cluster.yaml. References between its parts are checked by the loader. */
export const clusterSchema = z
  .strictObject({
    cluster: text(objectToName, "The cluster's name, the first part of every image's name", NAME_PATTERN),
    update: update.prefault({}),
    base: base.prefault({}),
    profiles: z.record(key(NAME_PATTERN), profile).meta({ description: "Kinds of nodes, by name" }),
    nodes: z.record(key(NAME_PATTERN), node).default({}).meta({ description: "Machines, by host name" }),
  })
  .meta({ title: "Home Pi cluster", description: "The definition of a cluster and of its nodes' images" });

export type Definition = z.output<typeof clusterSchema>;
export type Profile = Definition["profiles"][string];
export type NodeDefinition = Definition["nodes"][string];
