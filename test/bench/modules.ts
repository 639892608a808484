/** Signatures through a vendor's module: `Token.signAll` on SoftHSM 2 in its process, with two sessions, beside a C loop over the same module with two threads. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../apdu/secret.ts';
import type { Token } from '../../apdu/token.ts';
import { createModuleSource, type ModuleSource } from '../../drivers/pkcs11/source.ts';
import { runTool } from '../support/run-tool.ts';
import { TOKEN, createSoftHsm, type SoftHsm } from '../support/softhsm.ts';
import { median, ratioAtLeast, type Figure } from './figure.ts';

const ROUNDS = 5;
const SIGNATURES = 3_000;
const THREADS = 2;
const KEY = { keyReference: '45', algorithm: 'RSA-2048' } as const;
const DIGESTS = Array.from({ length: SIGNATURES }, (_, index) => createHash('sha256').update(String(index)).digest());

export async function measureModules(): Promise<readonly Figure[]> {
  await using hsm = await createSoftHsm();
  const login = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', TOKEN.pin];
  await hsm.run('pkcs11-tool', [...login, '--keypairgen', '--key-type', 'rsa:2048', '--id', KEY.keyReference]);
  const loop = await compileLoop();
  await using source = createModuleSource(hsm.configuration);
  const name = await firstCard(source);
  const pairs: { kortd: number; c: number }[] = [];
  for (let round = 0; round < ROUNDS; round++)
    pairs.push({ kortd: await rateOfKortd(source, name), c: await rateOfLoop(loop, hsm) });
  const peerValue = median(pairs.map(({ c }) => c));
  const ratio = median(pairs.map(({ kortd, c }) => kortd / c));
  return [
    ratioAtLeast(
      0.9,
      { name: 'RSA-2048 signatures on SoftHSM 2, Token.signAll', value: ratio * peerValue, unit: '/s' },
      { peer: `C loop, ${THREADS} threads`, peerValue },
    ),
  ];
}

async function firstCard(source: ModuleSource): Promise<string> {
  const stop = new AbortController();
  for await (const { name, status } of source.watch({ signal: stop.signal })) if (status === 'present') return name;
  throw new Error('the module shows no card');
}

async function rateOfKortd(source: ModuleSource, name: string): Promise<number> {
  const { signal } = new AbortController();
  await using connection = await source.connect(name, { signal });
  const { token } = connection.open();
  if (!token) throw new Error('the card has no token');
  using pin = Secret.fromText(TOKEN.pin);
  await token.verifyPin('01', pin);
  await signMany(token, DIGESTS.slice(0, 64), signal);
  const begin = performance.now();
  await signMany(token, DIGESTS, signal);
  return SIGNATURES / ((performance.now() - begin) / 1000);
}

async function signMany(token: Token, digests: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  const signatures = await token.signAll?.(KEY, 'RS256', digests, { signal, onSigned: () => undefined });
  if (signatures?.length !== digests.length) throw new Error('not every digest was signed');
}

async function rateOfLoop(loop: string, { configuration, environment }: SoftHsm): Promise<number> {
  return Number(await runTool(loop, [configuration.path, TOKEN.pin, String(THREADS), String(SIGNATURES)], environment));
}

async function compileLoop(): Promise<string> {
  const folder = join(import.meta.dirname, '..', '..', 'build', 'bench');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'pkcs11-loop');
  const source = join(import.meta.dirname, 'pkcs11-loop.c');
  await runTool('gcc', ['-O2', '-std=gnu11', '-Wall', '-o', program, source, '-ldl', '-lpthread']);
  return program;
}
