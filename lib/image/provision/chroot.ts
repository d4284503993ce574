import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asset } from "../../external/assets.ts";
import { ProcessError } from "../../external/process.ts";
import type { World } from "../../external/world.ts";
import type { Step } from "../../progress/reporter.ts";
import { ImageError } from "../failure.ts";
import { timeouts } from "../limits.ts";
import type { ToolsTree } from "../tools/tree.ts";
import { failedTask, isTaskHeader, playbookError } from "./ansible-output.ts";
import { canonicalTarArguments } from "./canonical-tar.ts";
import { ansibleEnvironment } from "./packer/environment.ts";
import type { Provisioner, ProvisionRequest } from "./provisioner.ts";

/** The builder that needs nothing but the tools tree: unpack, the playbook through chroot, pack. */
export const chrootProvisioner: Provisioner = { name: "chroot", provision };

async function provision(
  request: ProvisionRequest,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<void> {
  const root = join(request.work, "root");
  const output: string[] = [];
  let tasks = 0;
  step.update("unpacking the base");
  try {
    await world.processes.run(
      tools.command(
        [
          ...(["sh", asset("lib", "image", "provision", "chroot.sh"), request.base.path, root] as const),
          ...[asset("lib", "image", "base"), request.nativePython ? "native" : "plain"],
          ...["--extra-vars", `@${request.varsFile}`, join(request.ansible, "site.yml")],
        ],
        {
          binds: [
            { source: dirname(request.base.path), readOnly: true },
            { source: request.varsFile, readOnly: true },
            { source: asset(), readOnly: true },
            { source: request.project, readOnly: true },
            { source: request.keys, readOnly: true },
            ...(request.node === undefined ? [] : [{ source: request.node, readOnly: true }]),
            // Last: a folder above it may be bound read-only.
            { source: request.work },
          ],
          env: {
            ...ansibleEnvironment("/tmp", request.project),
            SOURCE_DATE_EPOCH: String(request.epoch),
            LC_ALL: "C.UTF-8",
          },
          timeoutMs: timeouts.provision,
          signal: world.signal,
          onLine: (line) => {
            output.push(line);
            step.line(line);
            const task = isTaskHeader(line);
            if (task === undefined) return;
            tasks += 1;
            step.update(`task ${tasks}: ${task}`);
          },
        },
      ),
    );
  } catch (cause) {
    throw explainPlaybook(request, output, cause);
  }
  step.update("packing the tree");
  await packProvisioned(request, root, tools, world);
  await rm(root, { recursive: true, force: true });
}

async function packProvisioned(
  request: ProvisionRequest,
  root: string,
  tools: ToolsTree,
  world: World,
): Promise<void> {
  await mkdir(dirname(request.tree), { recursive: true });
  const part = join(request.work, "tree.tar");
  await world.processes.run(
    tools.command(
      ["tar", ...canonicalTarArguments(request.epoch), "--file", part, "--directory", root, "."],
      {
        binds: [{ source: request.work }],
        env: { LC_ALL: "C" },
        timeoutMs: timeouts.assemble,
        signal: world.signal,
      },
    ),
  );
  await rename(part, request.tree);
}

/** Names the task that failed, where it stands, and shows what it printed. */
export function explainPlaybook(
  request: ProvisionRequest,
  output: readonly string[],
  cause: unknown,
): unknown {
  if (cause instanceof ProcessError && cause.code !== "EXIT") return cause;
  const what = `the playbook failed for ${request.build.profile}`;
  const task = failedTask(output);
  if (task !== undefined) {
    // A role given by its folder is printed with the whole path.
    const name = task.name.replaceAll(`${request.project}/`, "");
    return new ImageError("PROVISION", `${what}: task "${name}": ${task.message}`, {
      details: task.output,
      ...(task.place === undefined ? {} : { place: task.place }),
      cause,
    });
  }
  const error = playbookError(output);
  return new ImageError("PROVISION", error === undefined ? what : `${what}: ${error.message}`, {
    details: output.slice(-25),
    ...(error?.place === undefined ? {} : { place: error.place }),
    cause,
  });
}
