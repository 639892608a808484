/** `kortd open`: the console page in the person's browser, by a link that is good once and for a short time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connectToDaemon } from './connect-to-daemon.ts';
import { printNotice, printResult } from './output.ts';

export interface OpenFlags {
  readonly dataDir: string;
  /** Print the link, and open nothing. */
  readonly print?: true;
  /** The page that shows the desk, in place of the one that asks. */
  readonly desk?: true;
}

/** An opener that does not end is the browser itself, or waits for it: the page is on its way. */
const OPENER_PATIENCE_MS = 5_000;

export async function runOpen({ dataDir, print, desk }: OpenFlags): Promise<void> {
  const { client } = await connectToDaemon(dataDir);
  let link: ConsoleLink;
  try {
    link = checkedLink(await client.callByName('console.open', { page: desk ? 'desk' : 'prompts' }));
  } finally {
    client.close();
  }
  if (print) {
    printResult(link.url);
    return;
  }
  const problem = await openInBrowser(link.url);
  if (problem === undefined) return;
  printNotice(
    `No browser was opened: ${problem}. Open this address in one, within ${Math.floor(link.expiresInMs / 1000)} seconds:`,
  );
  printResult(link.url);
}

interface ConsoleLink {
  readonly url: string;
  readonly expiresInMs: number;
}

/** What is handed to a program of the system must be an address on this computer, and nothing else. */
function checkedLink(result: unknown): ConsoleLink {
  if (typeof result === 'object' && result !== null && 'url' in result && 'expiresInMs' in result) {
    const { url, expiresInMs } = result;
    const isLocal = typeof url === 'string' && /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}\/#[\w-]+$/.test(url);
    if (isLocal && typeof expiresInMs === 'number') return { url, expiresInMs };
  }
  throw new Error('opening the console: the daemon gave no address of this computer');
}

export interface Opener {
  readonly command: string;
  readonly parameters: readonly string[];
}

/** The program that opens an address as the person has chosen, run without a shell; or why there is none. */
export function openerFor(url: string, platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): Opener | string {
  if (platform === 'darwin') return { command: 'open', parameters: [url] };
  if (platform === 'win32') return { command: 'rundll32.exe', parameters: ['url.dll,FileProtocolHandler', url] };
  const display = environment['DISPLAY'] ?? environment['WAYLAND_DISPLAY'] ?? '';
  return display === '' ? 'there is no display' : { command: 'xdg-open', parameters: [url] };
}

/** Resolves with what went wrong; with nothing when `patience` ends first. */
export async function openInBrowser(
  url: string,
  platform: NodeJS.Platform = process.platform,
  environment: NodeJS.ProcessEnv = process.env,
  patience: AbortSignal = AbortSignal.timeout(OPENER_PATIENCE_MS),
): Promise<string | undefined> {
  const opener = openerFor(url, platform, environment);
  if (typeof opener === 'string') return opener;
  const child = spawn(opener.command, opener.parameters, { stdio: 'ignore', detached: true, shell: false, env: environment });
  child.unref();
  try {
    const [status] = (await once(child, 'exit', { signal: patience })) as [number | null];
    return status === 0 ? undefined : `${opener.command} failed`;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return `${opener.command} is not installed`;
    throw error;
  }
}
