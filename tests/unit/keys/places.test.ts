import { describe, expect, it } from "vitest";
import { keysFolder, takeSecrets } from "../../../lib/keys/places.ts";

describe("the folder of a cluster's keys", () => {
  it.each([
    [{ PI_KEYS: "/usb/keys", XDG_CONFIG_HOME: "/xdg", HOME: "/home/ann" }, "/usb/keys"],
    [{ PI_KEYS: "", XDG_CONFIG_HOME: "/xdg", HOME: "/home/ann" }, "/xdg/home-pi-cluster/keys/home"],
    [{ HOME: "/home/ann" }, "/home/ann/.config/home-pi-cluster/keys/home"],
    [{ XDG_CONFIG_HOME: "", HOME: "/home/ann" }, "/home/ann/.config/home-pi-cluster/keys/home"],
    [{ XDG_CONFIG_HOME: "config", HOME: "/home/ann" }, "/home/ann/.config/home-pi-cluster/keys/home"],
  ])("of %o is %s", (env, folder) => {
    expect(keysFolder(env, "home")).toBe(folder);
  });

  it.each(["", "..", "a/b", "../../etc", "Home", "a b", "-a", "a".repeat(64)])(
    "is not looked for under the name %j",
    (cluster) => {
      expect(() => keysFolder({ HOME: "/home/ann" }, cluster)).toThrow("is not a cluster's name");
    },
  );
});

describe("a job's secrets", () => {
  it("are taken out of the environment, and nothing else is", () => {
    const env = {
      PATH: "/usr/bin",
      PI_KEYS: "/usb/keys",
      PI_KEY_TARGETS: "t",
      PI_KEY_ONLINE: "o",
      PI_KEY_SIGNING: "s",
      PI_CERT_SIGNING: "c",
    };
    expect(takeSecrets(env)).toEqual({ targets: "t", online: "o", signingKey: "s", signing: "c" });
    expect(env).toEqual({ PATH: "/usr/bin", PI_KEYS: "/usb/keys" });
  });

  it("are none where GitHub has none: it sets them to nothing", () => {
    const env = { PI_KEY_TARGETS: "", PI_KEY_ONLINE: "\n" };
    expect(takeSecrets(env)).toEqual({});
    expect(env).toEqual({});
  });
});
