/** kortd makes this module from the API's table of scopes (daemon/console/assets.ts). */
export const SCOPES: Readonly<Record<string, { readonly en: string; readonly sv: string }>>;
