import { network } from "../limits.ts";

/** apt's settings wherever this project runs it, as lines of its configuration. */
export const APT_SETTINGS: readonly string[] = [
  // Its user _apt may not look into a project or home that is its owner's alone, where keys and packages lie.
  'APT::Sandbox::User "root";',
  // How often it asks again, and how long it waits for a mirror that says nothing.
  `Acquire::Retries "${network.retries}";`,
  `Acquire::http::Timeout "${network.silenceSeconds}";`,
  `Acquire::https::Timeout "${network.silenceSeconds}";`,
];

/** The same for mmdebstrap, which writes apt's configuration itself. */
export const aptOptions: readonly string[] = APT_SETTINGS.map(
  (setting) => `--aptopt=${setting.slice(0, -1)}`,
);

/**
 * Watches what apt prints, to be made anew for each run. True from the line on after which it cannot succeed:
 * it gave up on a file, having asked as often as it may, or the mirror was silent as often. It would go on
 * and ask for hundreds of other files, each with all its patience, and then fail.
 */
export function gaveUp(): (line: string) => boolean {
  let silences = 0;
  return (line) => {
    if (/^\s+.*\btimed out\b/.test(line)) silences += 1;
    return silences > network.retries || /^Err:\d+ /.test(line);
  };
}
