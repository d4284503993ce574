import { minuteOf } from "../../external/clock.ts";

/** What happened, and what the reader can do. */
export interface Explained {
  readonly problem: string;
  readonly fix: string;
}

const NETWORK = "check this machine's network (and http_proxy, where you use one)";

/** The last part of the address that stands before what went wrong with it. */
function fileBefore(text: string, pattern: string): string | undefined {
  const match = new RegExp(`(?:^|\\s|/)([^\\s/]+\\.deb)\\s+${pattern}`).exec(text);
  return match?.[1] === undefined ? undefined : decodeURIComponent(match[1]);
}

/**
 * What apt says, turned into what the reader can do. `now` is this machine's time, in milliseconds since
 * 1970. Undefined: not about reaching or trusting the archive.
 */
export function explainApt(lines: readonly string[], now: number): Explained | undefined {
  const text = lines.join("\n");
  return (
    wrongTime(text, now) ?? wrongSignature(text, now) ?? wrongName(text) ?? changed(text) ?? unreached(text)
  );
}

function wrongTime(text: string, now: number): Explained | undefined {
  // sqv's words for a signature from the future: before the check of signatures, whose words stand there too.
  const early = /Release file .+ is not valid yet|Not live until/.test(text);
  if (!early && !/Release file .+ is expired/.test(text)) return undefined;
  const clock = `this machine's clock says ${minuteOf(now)}`;
  const set = "set it: sudo timedatectl set-ntp true (or set-time)";
  return {
    problem: `the archive's Release file is not valid at this machine's time: ${clock}`,
    fix: early
      ? set
      : `where that is wrong, ${set}; where it is right, the mirror is out of date: use another`,
  };
}

function wrongSignature(text: string, now: number): Explained | undefined {
  const wrong =
    /NO_PUBKEY|BADSIG|EXPKEYSIG|Missing key|Verifying signature|OpenPGP signature verification failed/;
  // A Release file that could not be fetched is "not signed" as well.
  const unsigned = / is not signed/.test(text) && !/Failed to fetch|^Err:|^Ign:/m.test(text);
  if (!wrong.test(text) && !unsigned) return undefined;
  const expired = /EXPKEYSIG|expired/.test(text);
  const clock = `if this machine's clock is wrong (it says ${minuteOf(now)}), set it: sudo timedatectl set-ntp true; `;
  return {
    problem: "the archive's signature is not by a key this project trusts",
    fix: `${expired ? clock : ""}if Debian changed its signing key, update to a release of this project that knows it; else the mirror is not Debian's`,
  };
}

function wrongName(text: string): Explained | undefined {
  const missing = /Unable to locate package (\S+)|Package '?(\S+?)'? has no installation candidate/.exec(
    text,
  );
  if (missing === null) return undefined;
  const name = missing[1] ?? missing[2] ?? "";
  return { problem: `Debian has no package ${name}`, fix: "correct the name in cluster.yaml" };
}

function changed(text: string): Explained | undefined {
  const damaged = fileBefore(text, "Hash Sum mismatch");
  if (damaged !== undefined) {
    return {
      problem: `${damaged} came damaged: its digest is not the one Debian signed`,
      fix: "run the same command again; if it stays so, a mirror or proxy on the way changes files: use another",
    };
  }
  if (
    /Version '.+' for '.+' was not found|File has unexpected size|Hash Sum mismatch|\.deb\s+404\s+Not Found/.test(
      text,
    )
  ) {
    return { problem: "the archive changed while it was read", fix: "run the same command again" };
  }
  return undefined;
}

function unreached(text: string): Explained | undefined {
  const unreachable = { problem: "the Debian archive cannot be reached", fix: NETWORK };
  if (/Could not resolve|Temporary failure resolving|Could not connect|Unable to connect/.test(text)) {
    return unreachable;
  }
  const [, answer, words = ""] = /\s(5\d\d|40[37]|429)\s+([A-Z][\w -]*)/.exec(text) ?? [];
  if (answer !== undefined) {
    const problem = `the Debian archive, or a proxy before it, answers ${answer} ${words.trim()}`;
    const busy = answer.startsWith("5") || answer === "429";
    return { problem, fix: busy ? "run the same command again, later" : "check http_proxy" };
  }
  if (
    /Connection failed|Connection reset|Connection timed out|[Ee]rror reading from server|closed (?:the )?connection|timed out/.test(
      text,
    )
  ) {
    // What came before shows that it was there.
    const begun = /^Get:\d+ /m.test(text);
    return begun
      ? {
          problem: "the Debian archive stopped answering",
          fix: `run the same command again; if it stays so, ${NETWORK}`,
        }
      : unreachable;
  }
  if (/(?:does not have|no longer has) a Release file/.test(text)) {
    return {
      problem: "the archive has no such release, or none of that moment",
      fix: "correct base.suite or base.snapshot in cluster.yaml",
    };
  }
  return /Failed to fetch|Cannot initiate the connection/.test(text) ? unreachable : undefined;
}
