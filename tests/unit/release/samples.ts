import type { StoredAsset, StoredRelease, WantedAsset } from "../../../lib/release/store.ts";

export const digest = (letter: string): string => letter.repeat(64);

export const wantedAsset = (name: string, change: Partial<WantedAsset> = {}): WantedAsset => ({
  name,
  path: `/cache/${name}`,
  bytes: 10,
  sha256: digest("a"),
  ...change,
});

export const storedAsset = (name: string, change: Partial<StoredAsset> = {}): StoredAsset => ({
  id: `id of ${name}`,
  name,
  bytes: 10,
  sha256: digest("a"),
  state: "uploaded",
  ...change,
});

export const storedRelease = (change: Partial<StoredRelease> = {}): StoredRelease => ({
  id: "1",
  tag: "v1.0.0",
  draft: true,
  assets: [],
  ...change,
});
