import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { processes } from "../../../lib/external/process.ts";
import { findSecrets, secretsIn } from "./find-secrets.ts";
import { emptyFolder, newKeys } from "./key-folder.ts";

it("no program that is started after the secrets were taken has them", async () => {
  const folder = await newKeys();
  const place = await emptyFolder();
  const places = JSON.stringify(join(import.meta.dirname, "../../../lib/keys/places.ts"));
  const script = `
    import { spawnSync } from "node:child_process";
    import { takeSecrets } from ${places};
    const before = spawnSync("env").stdout.toString();
    const taken = takeSecrets(process.env);
    const after = spawnSync("env").stdout.toString();
    process.stdout.write(JSON.stringify({ taken: Object.keys(taken), before, after }));
  `;
  await writeFile(join(place, "take.mts"), script);
  const argv = [process.execPath, join(place, "take.mts")] as const;
  const env = {
    PI_KEY_TARGETS: await readFile(join(folder, "targets-1.pem"), "utf8"),
    PI_KEY_SIGNING: await readFile(join(folder, "signing-key.pem"), "utf8"),
  };
  const said = await processes.run({ argv, env, timeoutMs: 30_000 });
  const { taken, before, after } = JSON.parse(said.stdout) as Record<"before" | "after", string> & {
    taken: string[];
  };
  expect(taken).toEqual(["targets", "signingKey"]);
  const needles = await secretsIn(folder);
  await writeFile(join(place, "before"), before);
  await writeFile(join(place, "after"), after);
  const seen = await findSecrets(needles, [join(place, "before")]);
  expect([...new Set(seen.map(({ key }) => key))]).toEqual(["signing-key.pem", "targets-1.pem"]);
  expect(await findSecrets(needles, [join(place, "after")])).toEqual([]);
});
