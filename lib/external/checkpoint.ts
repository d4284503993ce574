/**
 * Called before and after everything that another process can see: each rename, each exchange with a server.
 * Tests count these points and stop a run at every one of them.
 */
export type Checkpoint = (name: string) => void | Promise<void>;

export const noCheckpoint: Checkpoint = () => undefined;

/** Does `work` between two checkpoints. */
export async function between<T>(checkpoint: Checkpoint, name: string, work: () => Promise<T>): Promise<T> {
  await checkpoint(`before ${name}`);
  const result = await work();
  await checkpoint(`after ${name}`);
  return result;
}
