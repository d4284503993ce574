import type { RoleName } from "../../../lib/keys/keys.ts";
import type { ManifestChange } from "../../../lib/manifest/repository/change.ts";
import type { Signing } from "../../../lib/manifest/repository/publish.ts";
import { refresh } from "../../../lib/manifest/repository/refresh.ts";
import { rotate } from "../../../lib/manifest/repository/rotate.ts";
import type { ManifestState } from "../../../lib/manifest/repository/state.ts";
import { addRelease, block } from "../../../lib/manifest/repository/targets.ts";
import { choices, exampleRelease, keyCalled, START, signersOf } from "../../unit/manifest/example.ts";

export interface Change {
  readonly name: string;
  readonly plan: (state: ManifestState) => ManifestChange;
}

const with_ = (names: Parameters<typeof signersOf>[0]): Signing => ({
  signers: signersOf(names),
  now: START,
});
const release = (tag: string): Change => ({
  name: `release ${tag}`,
  plan: (state) => addRelease(state, exampleRelease(tag), choices, with_({})),
});
const rotation = (role: RoleName, names: Parameters<typeof signersOf>[0]): Change => ({
  name: `rotate ${role}`,
  plan: (state) =>
    rotate(state, { role, next: { keys: [keyCalled(`${role}-2`)], threshold: 1 } }, with_(names)).change,
});

/** A life of a manifest, each change planned on what the one before left. The clock stands still. */
export const changes: readonly Change[] = [
  release("v1.0.0"),
  release("v1.1.0-rc.1"),
  {
    name: "block",
    plan: (state) => block(state, { version: "1.0.0", reason: "loses its clock" }, with_({})),
  },
  ...Array.from({ length: 9 }, (_, at) => release(`v1.1.${at}`)),
  {
    name: "refresh",
    plan: (state) =>
      state.timestamp?.signed.version === 12
        ? refresh(state, with_({}), true)
        : refresh(state, with_({}), false),
  },
  rotation("online", { online: ["online-1", "online-2"] }),
  rotation("targets", { online: ["online-2"], targets: ["targets-2"] }),
  rotation("root", { root: ["root-1", "root-2"] }),
];
