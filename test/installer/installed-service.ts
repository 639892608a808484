/** kortd as it was installed in a Debian root that runs its own systemd: as an administrator sees it, and asks it. */
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { product } from '../../installer/product.ts';
import type { DebianRoot } from './debian-root.ts';

const DEADLINE_MS = 20_000;

export class InstalledService {
  readonly #root: DebianRoot;

  constructor(root: DebianRoot) {
    this.#root = root;
  }

  control(verb: 'reload' | 'restart' | 'start' | 'stop'): void {
    this.#root.must('systemctl', verb, 'kortd.service');
  }

  property(name: string): string {
    return this.#root.must('systemctl', 'show', '--property', name, '--value', 'kortd.service').trim();
  }

  /** Empty when it does not run. */
  get mainPid(): string {
    const pid = this.property('MainPID');
    return pid === '0' ? '' : pid;
  }

  get journal(): string {
    return this.#root.run('journalctl', '--no-pager', '--output=cat', '--unit', 'kortd').output;
  }

  async untilAnswers(): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    while (!(await answers())) {
      if (Date.now() > deadline) throw new Error(`kortd does not answer: ${this.journal}`);
      await delay(10);
    }
  }

  /** As root does it: on the service's own folder, as the service's user. */
  call(method: string, parameters: object = {}): Record<string, unknown> {
    const asService = ['setpriv', '--reuid=kortd', '--regid=kortd', '--clear-groups'];
    const call = ['/usr/bin/kortd', 'call', method, JSON.stringify(parameters), '--data-dir', '/var/lib/kortd'];
    return JSON.parse(this.#root.must(...asService, ...call)) as Record<string, unknown>;
  }
}

/** From apt's cache: there is no network. */
export function install(root: DebianRoot, ...packages: readonly string[]): void {
  apt(root, 'install', ...packages);
}

export function apt(root: DebianRoot, ...parameters: readonly string[]): void {
  const quiet = ['-qq', '--yes', '--no-install-recommends', '-o', 'APT::Sandbox::User=root'];
  root.must('apt-get', ...quiet, ...parameters);
}

/** Any answer: that of the gate too. */
export function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port: product.ports.api, path: '/v1/system/info', timeout: 1_000 }, (response) => {
      response.resume();
      resolve(true);
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

export async function until(isSo: () => boolean, what: string, withinMs: number = DEADLINE_MS): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waiting until ${what}: it did not come about in time`);
    await delay(100);
  }
}
