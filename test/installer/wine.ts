/** A Windows of its own for a test: Wine with a folder of its own, whose service control manager runs until the test ends. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const STEP_TIMEOUT_MS = 240_000;

export interface WineResult {
  /** The lower eight bits of what the program ended with. */
  readonly status: number | null;
  readonly output: string;
}

export class Wine implements AsyncDisposable {
  readonly drive: string;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  #keeper: ChildProcess | undefined;
  #runs = 0;

  private constructor(folder: string) {
    const prefix = join(folder, 'prefix');
    this.#folder = folder;
    this.drive = join(prefix, 'drive_c');
    this.#env = { PATH: process.env['PATH'], HOME: folder, WINEPREFIX: prefix, WINEARCH: 'win64', WINEDEBUG: '-all' };
  }

  static async open(folder: string): Promise<Wine> {
    mkdirSync(folder, { recursive: true });
    const wine = new Wine(folder);
    await wine.run('wineboot', '--init');
    await wine.run('reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f');
    // Services of before would be told another version of Windows, which Node refuses.
    wine.#end();
    // Services end with the last program that a person started.
    wine.#keeper = wine.#start(['cmd', '/c', 'ping -n 3600 127.0.0.1 >nul']).child;
    return wine;
  }

  async run(...parameters: readonly string[]): Promise<WineResult> {
    const { child, file } = this.#start(parameters, STEP_TIMEOUT_MS);
    await once(child, 'exit');
    return { status: child.exitCode, output: readFileSync(file, 'utf8') };
  }

  /** A file of this system as programs there call it. */
  path(file: string): string {
    return `Z:${file.replaceAll('/', '\\')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#keeper?.exitCode === null ? once(this.#keeper, 'exit') : undefined;
    this.#end();
    await ended;
  }

  /** Ends what runs in this folder and nothing else (wineserver(1), WINEPREFIX). */
  #end(): void {
    for (const option of ['--kill', '--wait'])
      spawnSync('wineserver', [option], { env: this.#env, stdio: 'ignore', timeout: STEP_TIMEOUT_MS });
  }

  /** Standard output is a file: services inherit it from the first program, and Node there fails on a pipe of this system's. */
  #start(parameters: readonly string[], timeout = 0): { readonly child: ChildProcess; readonly file: string } {
    const file = join(this.#folder, `output-${++this.#runs}`);
    const output = openSync(file, 'w');
    const child = spawn('wine', parameters, { env: this.#env, stdio: ['ignore', output, output], timeout });
    closeSync(output);
    return { child, file };
  }
}
