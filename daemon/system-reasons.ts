/** What the operating system says when something cannot be done with a file or a port, for people: Node says it in English. */

/** errno(3); sorted. */
const SWEDISH: Readonly<Record<string, string>> = {
  EACCES: 'åtkomst nekas',
  EADDRINUSE: 'adressen används redan',
  EADDRNOTAVAIL: 'adressen finns inte på den här datorn',
  EEXIST: 'det finns redan',
  EIO: 'disken kan inte läsas eller skrivas',
  EISDIR: 'det är en mapp',
  ELOOP: 'för många länkar',
  EMFILE: 'för många öppna filer',
  ENAMETOOLONG: 'namnet är för långt',
  ENOENT: 'det finns ingen sådan fil eller mapp',
  ENOSPC: 'disken är full',
  ENOTDIR: 'en del av sökvägen är ingen mapp',
  EPERM: 'åtgärden är inte tillåten',
  EROFS: 'filsystemet är skrivskyddat',
};

/** The message itself where it is none of the system's. */
export function swedishReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const said = SWEDISH[code];
  if (said === undefined) return error.message;
  const path = 'path' in error && typeof error.path === 'string' ? `, ${error.path}` : '';
  return `${said} (${code}${path})`;
}
