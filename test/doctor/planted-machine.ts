/**
 * A computer to plant faults in: the system's files below a folder of its own, with real files, sockets and processes in it, and the real view of them. /proc has those
 * processes that are put there.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CHECKS } from '../../daemon/doctor/checks/index.ts';
import type { Finding } from '../../daemon/doctor/check.ts';
import type { Look } from '../../daemon/doctor/look.ts';
import { runChecks, type Diagnosis } from '../../daemon/doctor/run.ts';
import { thisMachine } from '../../daemon/doctor/this-machine.ts';

export interface Planted {
  readonly dataFolder?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly port?: number;
  /** For what never answers. */
  readonly answerMs?: number;
  /** What cannot be planted for real: another time, a full disk. */
  readonly alter?: (look: Look) => Partial<Look>;
}

export class PlantedMachine implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'kortd-doctor-'));
  readonly home = join(this.root, 'home', 'anna');
  readonly policyFolder = join(this.root, 'etc', 'kortd', 'policy.d');
  /** Without a daemon. */
  readonly emptyData = join(this.root, 'data');

  constructor() {
    for (const folder of ['run', 'proc', 'usr/bin', 'usr/sbin', 'etc']) mkdirSync(join(this.root, folder), { recursive: true });
    for (const folder of [this.home, this.policyFolder]) mkdirSync(folder, { recursive: true });
    mkdirSync(this.emptyData, { mode: 0o700 });
    this.showProcess('self');
  }

  /** A path of the system. */
  write(path: string, text: string, mode = 0o644): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  install(program: string): void {
    this.write(`/usr/bin/${program}`, '#!/bin/sh\n', 0o755);
  }

  showProcess(name: string): void {
    symlinkSync(`/proc/${name}`, join(this.root, 'proc', name));
  }

  async diagnose(planted: Planted = {}): Promise<Diagnosis> {
    const { dataFolder = this.emptyData, environment = {}, port = 1, answerMs = 15_000, alter = () => ({}) } = planted;
    await using machine = thisMachine({
      ...{ dataFolder, port, answerMs, policyFolder: this.policyFolder, root: this.root },
      environment: { PATH: '/usr/bin:/usr/sbin', HOME: this.home, ...environment },
    });
    return await runChecks(CHECKS, {
      timeoutMs: 25_000,
      look: (signal) => {
        const look = machine.look(signal);
        return { ...look, ...alter(look) };
      },
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Each once, with the check that found it. */
export function foundIn({ findings }: Diagnosis): readonly string[] {
  return [...new Set(findings.map(({ check, id }) => `${check}: ${id}`))].sort();
}

export function findingIn({ findings }: Diagnosis, id: string): Finding {
  const finding = findings.find((each) => each.id === id);
  if (!finding) throw new Error(`${id} is not among ${findings.map((each) => each.id).join(', ')}`);
  return finding;
}
