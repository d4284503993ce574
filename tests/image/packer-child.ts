import { realWorld } from "../../lib/external/world.ts";
import type { ProvisionRequest } from "../../lib/image/provision/provisioner.ts";
import { toolsTreeAt } from "../../lib/image/tools/enter.ts";
import { packerBuilder } from "./packer-workshop.ts";

// Runs one build in a process of its own, to be killed. Prints what packer does.
const [folder = "", tools = "", request = ""] = process.argv.slice(2);
const world = realWorld(new AbortController().signal);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const builder = await packerBuilder(folder, world);
await builder.provision(JSON.parse(request) as ProvisionRequest, toolsTreeAt(tools, ""), world, {
  line: say,
  update: say,
});
