/** What stands in no tree: the file system's own folder, which the tree gets again with a new one. */
const NOT_PART_OF_THE_TREE = ["./lost+found"];

/**
 * Arguments of the one tar call that turns a folder into a tree, to be run as
 * `tar <arguments> --file OUTPUT --directory ROOT .` by GNU tar 1.34 or newer. The same content gives the
 * same bytes whoever packs it and whenever: names sorted in the C locale (the caller sets `LC_ALL=C`),
 * owners as numbers, no access or change times, no process id in extended headers, and no file newer than
 * `epochSeconds` (whole seconds since 1970).
 */
export function canonicalTarArguments(epochSeconds: number): string[] {
  if (!Number.isInteger(epochSeconds) || epochSeconds < 0) {
    throw new RangeError(`the epoch is whole seconds since 1970, not ${epochSeconds}`);
  }
  return [
    "--create",
    "--sort=name",
    "--format=posix",
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
    `--mtime=@${epochSeconds}`,
    "--clamp-mtime",
    "--numeric-owner",
    "--xattrs",
    "--xattrs-include=*",
    // Positional: it concerns the names that follow, so it stands before the folder packed.
    ...NOT_PART_OF_THE_TREE.map((path) => `--exclude=${path}`),
  ];
}
