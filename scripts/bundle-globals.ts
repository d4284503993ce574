// What CommonJS packages expect around them, for a bundle that is an ES module; see build-actions.ts.
export const __filename: string = import.meta.filename;
export const __dirname: string = import.meta.dirname;
