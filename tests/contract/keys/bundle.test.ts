import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { processes } from "../../../lib/external/process.ts";
import { bundle } from "../../../scripts/build-actions.ts";
import { emptyFolder } from "./key-folder.ts";

const lib = join(import.meta.dirname, "..", "..", "..", "lib", "keys");
const source = (name: string): string => JSON.stringify(join(lib, name));

it("the libraries for certificates are loaded where they are used, not before", async () => {
  const names = ["open.ts", "make.ts", "rotate.ts", "cms.ts", "places.ts"];
  const { metafile } = await build({
    entryPoints: names.map((name) => join(lib, name)),
    outdir: "nowhere",
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    packages: "external",
    metafile: true,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const libraries = imports.filter(({ path }) => /^(pkijs|asn1js)$/.test(path));
  expect(new Set(libraries.map(({ path }) => path))).toEqual(new Set(["pkijs", "asn1js"]));
  expect(new Set(libraries.map(({ kind }) => kind))).toEqual(new Set(["dynamic-import"]));
});

it("keys are made, opened and used by a bundle alone", async () => {
  const folder = await emptyFolder();
  const entry = join(folder, "entry.ts");
  await writeFile(
    entry,
    `import { signDetached, verifyDetached } from ${source("cms.ts")};
     import { takeDevelopmentKeys } from ${source("open.ts")};
     const now = new Date();
     const keys = await takeDevelopmentKeys({ folder: process.cwd() + "/keys", cluster: "home", now });
     const content = Buffer.from("x");
     const identity = keys.signing(now);
     await verifyDetached(content, await signDetached(content, identity), identity.ca, { now });
     process.stdout.write(keys.role("root").map(({ name }) => name).join());
    `,
  );
  await bundle(entry, join(folder, "alone.mjs"));
  const argv = [process.execPath, "alone.mjs"] as const;
  expect((await processes.run({ argv, cwd: folder, timeoutMs: 30_000 })).stdout).toBe("root-1");
});
