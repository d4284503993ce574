// A release that ends itself with SIGKILL at a numbered point: argv is a JSON of KilledPublisher.
import type { WantedAsset } from "../../../lib/release/store.ts";
import { detailsOf, githubStoreOf, localStoreOf, publish } from "./scene.ts";

export interface KilledPublisher {
  readonly files: readonly WantedAsset[];
  /** The point to die at, counted from 1; or the byte of the first file. */
  readonly point?: number;
  readonly byte?: number;
  readonly folder?: string;
  readonly github?: { readonly apiUrl: string; readonly token: string };
}

const order = JSON.parse(process.argv[2] ?? "{}") as KilledPublisher;
let points = 0;
const die = (): void => void process.kill(process.pid, "SIGKILL");
const checkpoint = (): void => {
  points += 1;
  if (points === order.point) die();
};
const { github, folder = "" } = order;
const repository = { owner: "someone", repo: "cluster" };
const store =
  github === undefined
    ? localStoreOf(folder, { checkpoint })
    : githubStoreOf({ ...github, repository } as Parameters<typeof githubStoreOf>[0], { checkpoint });
const dying: typeof store = {
  ...store,
  upload: (release, asset) =>
    store.upload(release, asset, (bytes) => {
      if (order.byte !== undefined && bytes >= order.byte) die();
    }),
};
await publish(dying, detailsOf("v1.0.0"), order.files);
process.stdout.write(`${points} points\n`);
