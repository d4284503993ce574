import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

export interface Finding {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

type Validate = (document: {
  readonly uri: string;
  readonly languageId: string;
  readonly version: number;
  getText(): string;
}) => Promise<
  readonly { readonly message: string; readonly range: { readonly start: { readonly line: number } } }[]
>;

/**
 * GitHub's own parser of workflows and actions. Its package imports JSON in a way Node refuses, so it is bundled
 * first, into `folder`.
 */
export async function openLanguageService(folder: string) {
  const outfile = join(folder, "language-service.mjs");
  await build({
    stdin: {
      contents:
        'export { validate } from "@actions/languageservice"; export { TextDocument } from "vscode-languageserver-textdocument";',
      resolveDir: import.meta.dirname,
    },
    ...{ outfile, bundle: true, platform: "node", format: "esm", target: "node24", logLevel: "error" },
    banner: {
      js: 'import { createRequire as c } from "node:module"; const require = c(import.meta.url);',
    },
  });
  const { validate, TextDocument } = (await import(pathToFileURL(outfile).href)) as {
    validate: Validate;
    TextDocument: {
      create(uri: string, language: string, version: number, text: string): Parameters<Validate>[0];
    };
  };
  return async (path: string, text: string): Promise<Finding[]> => {
    const document = TextDocument.create(`file:///${path}`, "yaml", 1, text);
    return (await validate(document)).map(({ message, range }) => ({ line: range.start.line + 1, message }));
  };
}
