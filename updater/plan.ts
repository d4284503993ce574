import type { ChannelImage } from "../lib/manifest/channel.ts";

/** What a run of the updater does next, and why; the reason is one sentence for people. */
export type Plan =
  | {
      readonly kind: "nothing";
      readonly reason: string;
      /** Whether a person should look: it does not heal by waiting. */
      readonly alarm: boolean;
      /** When it may be different, in milliseconds since 1970. */
      readonly next?: number;
      /** What could be installed, were it allowed. */
      readonly available?: ChannelImage;
      /** What comes before that; undefined: nothing does. */
      readonly first?: ChannelImage | undefined;
    }
  | { readonly kind: "poll"; readonly reason: string }
  | {
      readonly kind: "install";
      readonly reason: string;
      readonly image: ChannelImage;
      /** What the node is after: the image itself, or what comes after it. */
      readonly target: ChannelImage;
      readonly asked: boolean;
    }
  | { readonly kind: "restart"; readonly reason: string }
  /** What is installed and not started is taken back. */
  | { readonly kind: "withdraw"; readonly reason: string };

interface More {
  readonly next?: number;
  readonly available?: ChannelImage;
  readonly first?: ChannelImage | undefined;
}

export const nothing = (reason: string, more: More = {}): Plan => ({
  kind: "nothing",
  reason,
  alarm: false,
  ...more,
});

export const alarm = (reason: string, more: More = {}): Plan => ({
  kind: "nothing",
  reason,
  alarm: true,
  ...more,
});
