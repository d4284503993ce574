/** What GitHub was seen to do, or is documented to; each happens once, to the next request it fits. */
export type Fault =
  /** Takes the whole file and says 502; the asset stays behind as `starter`. */
  | { readonly on: "upload"; readonly do: "502-with-starter"; readonly name?: string }
  /** Says 500 before it has read the file. */
  | { readonly on: "upload"; readonly do: "500-at-start"; readonly name?: string }
  /** Breaks the connection off in mid-body, and keeps a `starter`. */
  | { readonly on: "upload"; readonly do: "reset"; readonly name?: string }
  /** Reads no more in mid-body and says nothing; keeps a `starter`. */
  | { readonly on: "upload"; readonly do: "stall"; readonly name?: string }
  /** Keeps the file and says 422 `already_exists`, as after a try whose answer was lost. */
  | { readonly on: "upload"; readonly do: "422-already-exists"; readonly name?: string }
  | { readonly on: "upload"; readonly do: "renamed"; readonly name?: string }
  /** Keeps other bytes than were sent. */
  | { readonly on: "upload"; readonly do: "spoilt"; readonly name?: string }
  /** Keeps the file and does not say its digest, now and later. */
  | { readonly on: "upload"; readonly do: "no-digest"; readonly name?: string }
  /** The secondary limit; without `retryAfter` (seconds) the header is left out. */
  | {
      readonly on: OperationName;
      readonly do: "secondary-limit";
      readonly status: 403 | 429;
      readonly retryAfter?: number;
      readonly name?: string;
    }
  /** Does what it is asked and says 502. */
  | { readonly on: OperationName; readonly do: "worked-502"; readonly name?: string }
  /** Does not do it. */
  | { readonly on: OperationName; readonly do: "502"; readonly name?: string }
  /** What a token without write access, or one that may not release changed workflows, is told. */
  | { readonly on: "create" | "publish" | "attest"; readonly do: "404"; readonly name?: string }
  /** A plan or a repository that has no such thing. */
  | { readonly on: "attest"; readonly do: "403"; readonly name?: string };

export type OperationName =
  | "attest"
  | "dispatch"
  | "enable"
  | "run"
  | "setting"
  | "list"
  | "create"
  | "release"
  | "publish"
  | "assets"
  | "upload"
  | "delete"
  | "download"
  | "ref"
  | "tag";

/** Takes the first fault that fits out of the list. */
export function takeFault(faults: Fault[], on: OperationName, name: string | undefined): Fault | undefined {
  const at = faults.findIndex(
    (fault) => fault.on === on && (fault.name === undefined || fault.name === name),
  );
  return at < 0 ? undefined : faults.splice(at, 1)[0];
}
