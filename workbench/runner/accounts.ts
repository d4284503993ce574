/** The user hosted runners run jobs as. */
export const RUNNER = "runner";

/** Ids of people's accounts begin here; GitHub's runner has this one, too. */
const FIRST_ID = 1001;

export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

export interface RunnerAccounts extends Accounts {
  readonly uid: number;
  readonly gid: number;
}

const fieldsOf = (text: string): string[][] => text.split("\n").map((line) => line.split(":"));

const withLine = (text: string, line: string): string => `${text.replace(/\n*$/, "\n")}${line}\n`;

/**
 * A machine's accounts with the runner's among them, which lives in `home`. Where the machine has one, it stays as it
 * is; else it gets ids that nobody has, since files of somebody else's must not become its own, nor the reverse.
 */
export function withRunner({ passwd, group }: Accounts, home: string): RunnerAccounts {
  const users = fieldsOf(passwd);
  const there = users.find(([name]) => name === RUNNER);
  if (there !== undefined) return { passwd, group, uid: Number(there[2]), gid: Number(there[3]) };
  const groups = fieldsOf(group);
  const taken = new Set([...users, ...groups].map(([, , id]) => Number(id)));
  let id = FIRST_ID;
  while (taken.has(id)) id += 1;
  // No shadow password is needed for one that nothing matches.
  const user = `${RUNNER}:*:${id}:${id}::${home}:/bin/bash`;
  return {
    ...{ uid: id, gid: id },
    passwd: withLine(passwd, user),
    group: withLine(group, `${RUNNER}:*:${id}:`),
  };
}

/** What sudo allows it: everything without a password, and no more of its environment than on a hosted runner. */
export const SUDOERS = `Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
${RUNNER} ALL=(ALL) NOPASSWD:ALL
`;
