import { realWorld } from "../../lib/external/world.ts";
import { buildImages } from "../../lib/image/build/build.ts";
import { packerBuilder } from "./packer-workshop.ts";
import { quietReporter } from "./surroundings.ts";

// `./pi build --builder packer` of one profile with the stand-in, which the command itself does not know, or
// with the real programs: a process of its own, so that folder, umask and environment are what they are told.
//   packer-build.ts PROJECT CACHE OUT PROFILE FOLDER [REAL]
const [project = "", cacheDir = "", out = "", profile = "", folder = "", real] = process.argv.slice(2);
const world = realWorld(new AbortController().signal);
const options = { project, cacheDir, only: [profile], plain: false, out };
await buildImages(
  { ...options, provisioner: () => packerBuilder(folder, world, real) },
  world,
  quietReporter,
);
