/** The vendors' modules that the policy names, as sources of the desk: kept in step with it when it is read anew. */
import { isDeepStrictEqual } from 'node:util';
import type { ApplicationSource } from '../../drivers/reader-source.ts';
import type { ModuleConfiguration } from '../../drivers/pkcs11/configuration.ts';
import { checkModuleFile, ModuleFileError } from '../../drivers/pkcs11/module-file.ts';
import { createModuleSource, type ModuleSource, type ModuleSourceOptions } from '../../drivers/pkcs11/source.ts';
import type { Log } from '../log.ts';
import type { Desk } from './desk.ts';

export interface ModuleProblem {
  readonly file: string;
  readonly problem: string;
}

export class Modules implements AsyncDisposable {
  readonly #log: Log;
  readonly #options: ModuleSourceOptions;
  #sources: readonly ModuleSource[] = [];
  /** The policy may be read anew while that is still under way. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(log: Log, options: ModuleSourceOptions = {}) {
    this.#log = log;
    this.#options = options;
  }

  /** In the order of the policy. */
  get ways(): readonly ApplicationSource[] {
    return this.#sources;
  }

  /** One that is unchanged goes on; another starts anew, its crashes forgotten. What is wrong with a file is told; the source is there all the same, and says so too. */
  async apply(desk: Desk, configurations: readonly ModuleConfiguration[]): Promise<readonly ModuleProblem[]> {
    const applied = this.#turn.then(() => this.#apply(desk, configurations));
    this.#turn = applied.catch(() => undefined); // whoever asked is told
    return await applied;
  }

  async #apply(desk: Desk, configurations: readonly ModuleConfiguration[]): Promise<readonly ModuleProblem[]> {
    const problems = (await Promise.all(configurations.map(problemsOf))).flat();
    for (const { file, problem } of problems) this.#log.error({ file, problem }, 'a module cannot be used');
    const before = this.#sources;
    const isBroken = ({ path }: ModuleConfiguration): boolean => problems.some(({ file }) => file === path);
    const otherReaders = (): readonly string[] =>
      desk.readers.filter(({ source }) => source.id === 'pcsc').map(({ name }) => name);
    this.#sources = configurations.map((configuration) => {
      const kept = before.find(({ module, isResting }) => isDeepStrictEqual(module, configuration) && !isResting);
      return kept && !isBroken(configuration) ? kept : createModuleSource(configuration, { otherReaders, ...this.#options });
    });
    const gone = before.filter((source) => !this.#sources.includes(source));
    await Promise.all(gone.map((source) => desk.removeSource(source)));
    await Promise.all(gone.map((source) => source[Symbol.asyncDispose]()));
    for (const source of this.#sources) if (!before.includes(source)) desk.addSource(source);
    return problems;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sources.map((source) => source[Symbol.asyncDispose]()));
  }
}

async function problemsOf({ name, path, sha256 }: ModuleConfiguration): Promise<readonly ModuleProblem[]> {
  try {
    await checkModuleFile(path, sha256);
    return [];
  } catch (error) {
    if (!(error instanceof ModuleFileError)) throw error;
    return [{ file: path, problem: `module ${name}: ${error.message}` }];
  }
}
