/** The text files depmod and the kernel's build leave in /usr/lib/modules/VERSION. */
export interface ModuleFiles {
  readonly alias: string;
  readonly dep: string;
  readonly softdep: string;
  readonly builtin: string;
  readonly builtinModinfo: string;
}

/** A kernel's modules: which one serves what, and what each needs. Names are with underscores, as lsmod's. */
export interface ModuleIndex {
  /** Path below /usr/lib/modules/VERSION; undefined for a name that is no module. */
  path(name: string): string | undefined;
  builtIn(name: string): boolean;
  /** Whether something built in has taken this name with MODULE_ALIAS. */
  builtInAlias(alias: string): boolean;
  /** By `compatible` of a device tree node. */
  forCompatible(compatible: string): readonly string[];
  /** By what the kernel says of a device it has found, `pci:v00001106d...`. */
  forModalias(modalias: string): readonly string[];
  /** The module and all it needs, as groups of which one member is enough; what is built in is left out. */
  needs(name: string): readonly (readonly string[])[];
}

/** `usb-storage.ko.xz` is the module usb_storage. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  return file.replace(/\.ko(\.(xz|zst|gz))?$/, "").replaceAll("-", "_");
}

/** Reads the files of one kernel. */
export function readModuleIndex(files: ModuleFiles): ModuleIndex {
  const paths = new Map<string, string>();
  const dependencies = new Map<string, string[]>();
  for (const [path = "", rest = ""] of lines(files.dep).map((line) => line.split(":"))) {
    paths.set(moduleName(path), path);
    dependencies.set(moduleName(path), rest.trim().split(" ").filter(Boolean).map(moduleName));
  }
  const compatibles = new Map<string, string[]>();
  const aliases: { readonly pattern: string; readonly module: string }[] = [];
  for (const line of lines(files.alias)) {
    const [, pattern = "", module = ""] = line.split(" ");
    const compatible = /^of:N\*T\*C(.+?)(?:C\*)?$/.exec(pattern)?.[1];
    if (compatible === undefined) aliases.push({ pattern, module });
    else compatibles.set(compatible, [...(compatibles.get(compatible) ?? []), module]);
  }
  const soft = softDependencies(files.softdep);
  const builtIns = new Set(lines(files.builtin).map(moduleName));
  const builtInAliases = new Set(
    [...files.builtinModinfo.matchAll(/\.alias=([^\0]+)/g)].map(([, name]) => name),
  );

  const forModalias = (modalias: string): string[] => [
    ...new Set(aliases.filter(({ pattern }) => fits(modalias, pattern)).map(({ module }) => module)),
  ];
  const softGroup = (wanted: string): string[] | undefined => {
    if (builtIns.has(moduleName(wanted)) || builtInAliases.has(wanted)) return undefined;
    const group = paths.has(moduleName(wanted)) ? [moduleName(wanted)] : forModalias(wanted);
    // A name nothing stands behind: modprobe goes on without it.
    return group.length === 0 ? undefined : group;
  };
  return {
    path: (name) => paths.get(name),
    builtIn: (name) => builtIns.has(name),
    builtInAlias: (alias) => builtInAliases.has(alias),
    forCompatible: (compatible) => [...new Set(compatibles.get(compatible) ?? [])],
    forModalias,
    needs: (name) => {
      const hard = [name, ...(dependencies.get(name) ?? [])];
      const softs = hard.flatMap((one) => soft.get(one) ?? []).map(softGroup);
      const groups = [...hard.map((one) => [one]), ...softs.filter((group) => group !== undefined)];
      return groups.filter((group) => !group.some((one) => builtIns.has(one)));
    },
  };
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** `softdep ext4 pre: crypto-crc32c post: ...`: what is to be loaded before or after, where it can be. */
function softDependencies(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines(text)) {
    const [, module = "", rest = ""] = /^softdep (\S+) (.*)$/.exec(line) ?? [];
    const [, marked = ""] = /(?:pre|post):(.*)$/.exec(rest) ?? [];
    const names = marked.split(" ").filter((word) => word !== "" && word !== "pre:" && word !== "post:");
    found.set(moduleName(module), [...(found.get(moduleName(module)) ?? []), ...names]);
  }
  return found;
}

/** fnmatch, as far as aliases use it: `*`, `?` and `[a-z]`. */
function fits(text: string, pattern: string): boolean {
  if (!pattern.includes("*")) return text === pattern;
  // Most aliases are of another bus: no expression is made for those.
  const fixed = pattern.slice(0, pattern.indexOf("*")).split(/[[?]/)[0] ?? "";
  if (!text.startsWith(fixed)) return false;
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`).test(text);
}
