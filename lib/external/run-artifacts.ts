import { basename, dirname } from "node:path";
import { Failure } from "../failure.ts";

export type ArtifactCode = "UPLOAD" | "DOWNLOAD" | "ABSENT" | "DIGEST";

/** What goes wrong with the artifacts of a workflow's run. */
export class ArtifactError extends Failure<ArtifactCode> {
  readonly area = "artifact";
}

export interface RunArtifact {
  readonly id: number;
  readonly name: string;
  readonly bytes: number;
  /** `sha256:<hex>` of the archive. */
  readonly digest: string | undefined;
}

/** How long an artifact is kept. */
export interface Keep {
  /** Undefined: as long as the repository says. GitHub takes less where the repository allows less. */
  readonly retentionDays?: number | undefined;
}

/** The artifacts of the workflow's run we are in. */
export interface RunArtifacts {
  /** Uploads files, all of one folder, as one artifact; one of this name that an earlier attempt left is replaced. */
  upload(name: string, files: readonly string[], keep?: Keep): Promise<void>;
  list(): Promise<readonly RunArtifact[]>;
  /** Unpacks an artifact into `folder`, once its digest has been compared. */
  download(artifact: RunArtifact, folder: string): Promise<void>;
}

/** Compressed files do not become smaller: none of our artifacts is worth the time. */
const NO_COMPRESSION = 0;
/** Blocks on their way at once, 8 MiB each; more take memory and no less time. */
const UPLOADS_AT_ONCE = "4";

/** GitHub's own client, which finds the service by the environment of the job. Loaded late: it is large. */
export async function openRunArtifacts(): Promise<RunArtifacts> {
  process.env.ACTIONS_ARTIFACT_UPLOAD_CONCURRENCY ??= UPLOADS_AT_ONCE;
  const { DefaultArtifactClient } = await import("@actions/artifact");
  const client = new DefaultArtifactClient();
  const list = async (): Promise<readonly RunArtifact[]> => {
    const { artifacts } = await client.listArtifacts({ latest: true });
    return artifacts.map(({ id, name, size, digest }) => ({ id, name, bytes: size, digest }));
  };
  return {
    list,
    upload: async (name, files, { retentionDays } = {}) => {
      const folder = dirname(files[0] ?? "");
      try {
        const before = await list();
        if (before.some((one) => one.name === name)) await client.deleteArtifact(name);
        await client.uploadArtifact(name, [...files], folder, {
          compressionLevel: NO_COMPRESSION,
          ...(retentionDays === undefined ? {} : { retentionDays }),
        });
      } catch (cause) {
        const names = files.map((file) => basename(file)).join(", ");
        throw new ArtifactError("UPLOAD", `the artifact ${name} (${names}) could not be uploaded`, { cause });
      }
    },
    download: async ({ id, name, digest }, folder) => {
      const expected = digest === undefined ? {} : { expectedHash: digest };
      const done = await client
        .downloadArtifact(id, { path: folder, ...expected })
        .catch((cause: unknown) => {
          throw new ArtifactError("DOWNLOAD", `the artifact ${name} could not be downloaded`, { cause });
        });
      if (done.digestMismatch !== true) return;
      throw new ArtifactError("DIGEST", `the artifact ${name} is not what was uploaded`, {
        fix: "run the failed jobs again",
      });
    },
  };
}
