import { z } from "zod";
import { sha256OfText } from "../external/files.ts";
import { EmulatorError } from "./failure.ts";

const bytes = z.number().int().nonnegative();

const slotSchema = z.object({
  name: z.string(),
  bootname: z.string().nullish(),
  state: z.string(),
  bootStatus: z.string().nullish(),
});

/** What a node prints about itself on the console when the kernel was told `home-pi.report`. */
export const reportSchema = z.object({
  version: z.literal(1),
  cluster: z.string(),
  profile: z.string(),
  board: z.string(),
  role: z.string().nullable(),
  buildId: z.string(),
  slot: z.string(),
  kernel: z.string(),
  systemState: z.string(),
  failedUnits: z.array(z.string()),
  rootReadOnly: z.boolean(),
  data: z.object({
    mounted: z.boolean(),
    state: z.enum(["fresh", "kept", "ok", "repaired", "tmpfs"]),
    reason: z.string(),
    device: z.string(),
    sizeBytes: bytes,
    grown: z.boolean(),
    freeBytes: bytes,
    freeInodes: z.number().int().nonnegative(),
  }),
  varSource: z.string(),
  bootState: z.object({
    /** First and second copy. */
    valid: z.tuple([z.boolean(), z.boolean()]),
    equal: z.boolean(),
    order: z.string(),
    aLeft: z.number().int(),
    bLeft: z.number().int(),
    fresh: z.string(),
  }),
  rauc: z.object({ compatible: z.string(), booted: z.string(), slots: z.array(slotSchema) }),
  markedGood: z.boolean(),
  secrets: z.object({
    hostKeysInImage: z.array(z.string()),
    usersWithPassword: z.array(z.string()),
    machineIdInImage: z.boolean(),
  }),
  hostname: z.string(),
  machineId: z.string(),
  identity: z.object({ present: z.boolean(), keys: z.number().int().nonnegative() }),
  network: z.array(z.object({ name: z.string(), addresses: z.array(z.string()) })),
  memory: z.object({
    totalBytes: bytes,
    availableBytes: bytes,
    /** What the kernel keeps for itself and cannot give back at once. */
    kernelBytes: bytes,
    /** Largest first, each with its own share. */
    processes: z.array(z.object({ name: z.string(), bytes })),
  }),
  uptimeSeconds: z.number().nonnegative(),
});

export type Report = z.infer<typeof reportSchema>;

const MARK = "HOME-PI-REPORT ";
const LINE = /^([0-9a-f]{64}) (.*)$/;

/** The line a node prints for this JSON text. */
export function formatReport(json: string): string {
  return `${MARK}${sha256OfText(json)} ${json}`;
}

/**
 * Looks for a report in a console line. "damaged": there is one, and its digest does not fit, because
 * a kernel message fell into it or bytes were lost; the node prints it more than once for that.
 * @throws EmulatorError REPORT_SCHEMA for a whole report that is not as agreed.
 */
export function findReport(line: string): Report | "damaged" | undefined {
  const at = line.indexOf(MARK);
  if (at < 0) return undefined;
  const [, digest, json] = LINE.exec(line.slice(at + MARK.length).trimEnd()) ?? [];
  if (digest === undefined || json === undefined || sha256OfText(json) !== digest) return "damaged";
  const value = parseJson(json);
  const parsed = reportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const missing = errorsSchema.safeParse(value).data?.errors ?? {};
  throw new EmulatorError("REPORT_SCHEMA", "the node's report arrived whole but is not of the agreed form", {
    details: [
      ...parsed.error.issues.map((issue) => `${issue.path.join(".") || "report"}: ${issue.message}`),
      ...Object.entries(missing).map(([fact, why]) => `the node could not tell ${fact}: ${why}`),
    ],
    fix: "mend what the node could not tell; where it is the form that differs, build the image again",
  });
}

/** Facts the node could not find out; they are missing from its report. */
const errorsSchema = z.object({ errors: z.record(z.string(), z.string()) });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
