import { type Answer, ok, twirpError } from "./artifacts.ts";
import type { BlobStorage } from "./blobs.ts";

export interface FakeCacheEntry {
  readonly key: string;
  /** Digest over paths and compression: entries of other versions do not match. */
  readonly version: string;
  readonly blob: string;
  finished: boolean;
}

/** The cache service, version 2, as @actions/cache 6 speaks it. One scope: branches are GitHub's business. */
export function cacheService(blobs: BlobStorage, urlOf: (blob: string, name: string) => string) {
  /** The newest last. */
  const entries: FakeCacheEntry[] = [];
  /** As for a pull request from a fork: entries can be read and none made. */
  const rights = { write: true };

  function lookUp(key: string, prefixes: readonly string[], version: string): FakeCacheEntry | undefined {
    const usable = entries.filter((entry) => entry.finished && entry.version === version).reverse();
    const exact = usable.find((entry) => entry.key === key);
    if (exact !== undefined) return exact;
    for (const prefix of prefixes) {
      const match = usable.find((entry) => entry.key.startsWith(prefix));
      if (match !== undefined) return match;
    }
    return undefined;
  }

  async function call(method: string, body: Record<string, unknown>): Promise<Answer> {
    const key = String(body.key);
    const version = String(body.version);
    const entry = entries.find((one) => one.key === key && one.version === version);
    switch (method) {
      case "CreateCacheEntry": {
        if (!rights.write) return ok({ ok: false, message: "cache write denied: read-only token" });
        if (entry?.finished === true) return twirpError(409, "already_exists", "cache entry already exists");
        if (entry !== undefined) entries.splice(entries.indexOf(entry), 1);
        const blob = `cache-${entries.length + 1}-${Math.floor(Math.random() * 1e9)}`;
        entries.push({ key, version, blob, finished: false });
        blobs.add(blob);
        return ok({ ok: true, signed_upload_url: urlOf(blob, "cache") });
      }
      case "FinalizeCacheEntryUpload":
        if (entry === undefined || !blobs.isFinished(entry.blob)) return twirpError(404, "not_found", key);
        if ((await blobs.bytesOf(entry.blob)) !== Number(body.size_bytes)) {
          return twirpError(400, "invalid_argument", "another size");
        }
        entry.finished = true;
        return ok({ ok: true, entry_id: String(entries.indexOf(entry) + 1) });
      case "GetCacheEntryDownloadURL": {
        const prefixes = Array.isArray(body.restore_keys) ? body.restore_keys.map(String) : [];
        const found = lookUp(key, prefixes, version);
        if (found === undefined) return ok({ ok: false });
        return ok({ ok: true, signed_download_url: urlOf(found.blob, "cache"), matched_key: found.key });
      }
      default:
        return twirpError(404, "bad_route", method);
    }
  }
  return { entries, rights, call };
}
