import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { exists, removeWhole, writeAtomically } from "../../lib/external/files.ts";
import { WorkbenchError } from "../act-binary.ts";
import { emptyRepository, type FakeRelease, type FakeRepository, sha256 } from "../github/repository.ts";

const FILE = "github.json";

const assetSchema = z.object({
  ...{ id: z.number(), name: z.string(), bytes: z.number(), sha256: z.string() },
  ...{ digestTold: z.boolean(), state: z.enum(["uploaded", "starter"]) },
});
const releaseSchema = z.object({
  ...{ id: z.number(), tag: z.string(), target: z.string(), name: z.string(), body: z.string() },
  ...{ draft: z.boolean(), prerelease: z.boolean(), immutable: z.boolean() },
  assets: z.array(assetSchema),
});
const keptSchema = z.object({
  version: z.literal(1),
  ...{ owner: z.string(), repo: z.string(), latest: z.string().optional(), nextId: z.number() },
  tags: z.record(z.string(), z.object({ commit: z.string(), annotated: z.boolean() })),
  releases: z.array(releaseSchema),
});

function parseKept(text: string): z.output<typeof keptSchema> | undefined {
  try {
    return keptSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A published release lies as a local store has it; drafts lie apart. */
function folderOf(folder: string, { draft, tag, id }: Pick<FakeRelease, "draft" | "tag" | "id">): string {
  return draft ? join(folder, "drafts", `${tag}-${id}`) : join(folder, "releases", tag);
}

/** Writes what a stand-in for GitHub holds into `folder`: for the next run, and for people. */
export async function keepRepository(repository: FakeRepository, folder: string): Promise<void> {
  await rm(join(folder, "drafts"), { recursive: true, force: true });
  for (const release of repository.releases) {
    const place = folderOf(folder, release);
    await mkdir(place, { recursive: true });
    for (const { name, content, bytes } of release.assets) {
      const file = join(place, name);
      if (content === undefined) continue;
      const there = await readFile(file).catch(() => undefined);
      if (there?.length === bytes && there.equals(content)) continue;
      await removeWhole(file);
      await writeFile(file, content);
    }
  }
  const { owner, repo, latest, nextId, tags } = repository;
  const releases = repository.releases.map((release) => releaseSchema.parse(release));
  const kept = { version: 1, owner, repo, latest, nextId, tags: Object.fromEntries(tags), releases };
  await writeAtomically(join(folder, FILE), `${JSON.stringify(keptSchema.parse(kept), undefined, 2)}\n`);
}

/** What an earlier run left there, or an empty repository. Throws WorkbenchError KEPT where it was changed. */
export async function openKept(folder: string, owner: string, repo: string): Promise<FakeRepository> {
  const file = join(folder, FILE);
  const repository = emptyRepository(owner, repo);
  if (!(await exists(file))) return repository;
  const spoilt = (what: string): WorkbenchError =>
    new WorkbenchError("KEPT", `${what} is not as an earlier run left it`, {
      fix: `start anew without it: rm -r ${folder}`,
    });
  const kept = parseKept(await readFile(file, "utf8"));
  if (kept === undefined) throw spoilt(file);
  for (const release of kept.releases) {
    const assets = release.assets.map(async (asset) => {
      if (asset.state === "starter") return { ...asset, content: undefined };
      const path = join(folderOf(folder, release), asset.name);
      const content = await readFile(path).catch(() => undefined);
      if (content === undefined || sha256(content) !== asset.sha256) throw spoilt(path);
      return { ...asset, content };
    });
    repository.releases.push({ ...release, assets: await Promise.all(assets) });
  }
  for (const [tag, target] of Object.entries(kept.tags)) repository.tags.set(tag, target);
  repository.latest = kept.latest;
  repository.nextId = kept.nextId;
  return repository;
}
