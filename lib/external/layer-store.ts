/**
 * Where finished entries of the cache are kept beyond this machine. It is a convenience: what cannot be had is made,
 * and what cannot be kept is made again. So neither call throws.
 */
export interface LayerStore {
  /** Puts the entry where it was when it was kept. Whether it is there now. */
  restore(folder: string, key: string): Promise<boolean>;
  /** The same for the newest entry whose key begins with `prefix`, where there is none with `key` itself. */
  restoreNewest(path: string, key: string, prefix: string): Promise<boolean>;
  keep(folder: string, key: string): Promise<void>;
}

/** GitHub takes keys of 512 characters and has one namespace per repository. */
function keyOf(key: string): string {
  return `home-pi-${process.arch}-${key}`;
}

/** GitHub's cache for workflows, through its own client. Loaded late: it is large. */
export async function openLayerStore(mode: "read" | "read-write"): Promise<LayerStore> {
  // On another runner than GitHub's, or one without the service, everything is made here.
  if (!process.env.ACTIONS_RESULTS_URL) {
    return {
      restore: async () => false,
      restoreNewest: async () => false,
      keep: async () => undefined,
    };
  }
  const cache = await import("@actions/cache");
  return {
    restore: async (folder, key) =>
      (await cache.restoreCache([folder], keyOf(key)).catch(() => undefined)) !== undefined,
    restoreNewest: async (path, key, prefix) =>
      (await cache.restoreCache([path], keyOf(key), [keyOf(prefix)]).catch(() => undefined)) !== undefined,
    keep: async (folder, key) => {
      // The client tells what goes wrong by itself, as a warning.
      if (mode === "read-write") await cache.saveCache([folder], keyOf(key)).catch(() => undefined);
    },
  };
}
