/** Versions of the wire. Each has a heading in CHANGES.md. */
export const LOWEST_API_VERSION = 1;
export const HIGHEST_API_VERSION = 1;
