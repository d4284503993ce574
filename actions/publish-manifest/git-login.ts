/**
 * The environment by which git logs in at our own server and nowhere else: not in an address, which is shown, nor in
 * arguments, which everybody on the machine can read.
 */
export function gitLogin(remote: string, serverUrl: string, token: string): Record<string, string> {
  if (!remote.startsWith(`${serverUrl}/`)) return {};
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `http.${serverUrl}/.extraheader`,
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
  };
}
