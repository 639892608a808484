/** Simulated documents behind the real pcscd, read over the API: each gets the verdict that it has in memory. Needs private namespaces: see `test/support/pcscd.ts`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../api-spec/client/client.ts';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { createPcscSource } from '../../drivers/pcsc/source.ts';
import { UTOPIAN_COUNTRY_SIGNERS, createEmrtdCard, type EmrtdCardOptions } from '../../drivers/simulated/cards/emrtd.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { eventually } from '../api/support.ts';
import { troubles } from '../documents/desk.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';

const DEADLINE_MS = 15_000;
const stack = new AsyncDisposableStack();
let pcscd: Pcscd;
let daemon: Daemon;

beforeAll(async () => {
  pcscd = stack.use(await startPcscd(1));
  const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-passport-'));
  stack.defer(() => rmSync(dataFolder, { recursive: true, force: true }));
  const drop = (): void => undefined;
  daemon = stack.use(
    await startDaemon({
      ...{ dataFolder, port: 0, policyFolder: join(dataFolder, 'policy.d') },
      sources: [stack.use(createPcscSource())],
      simulated: true,
      simulatedCountrySigners: UTOPIAN_COUNTRY_SIGNERS,
      log: { debug: drop, info: drop, warn: drop, error: drop },
    }),
  );
});

afterAll(() => stack.disposeAsync());

type Row = readonly [name: string, options: EmrtdCardOptions, passive: string, chip: string, trouble: object];

const ROWS: readonly Row[] = [
  ['a passport of today', { persona: 'anna' }, 'passed', 'passed', {}],
  ['a card that opens by PACE alone', { persona: 'bjorn' }, 'passed', 'passed', {}],
  ['an older passport with short lengths', { persona: 'cecilia' }, 'passed', 'passed', {}],
  ['one with a portrait in JPEG 2000', { persona: 'david' }, 'passed', 'passed', {}],
  ['wrong hash', { defects: ['wrong hash'] }, 'failed', 'passed', { 'electronic.passive.hash.dg1': 'hash_differs' }],
  [
    'tampered portrait',
    { defects: ['tampered portrait'] },
    'failed',
    'passed',
    { 'electronic.passive.hash.dg2': 'hash_differs' },
  ],
  [
    'wrong signature',
    { defects: ['wrong signature'] },
    'failed',
    'undetermined',
    { 'electronic.passive.signature': 'signature_wrong' },
  ],
  ['cloned chip', { defects: ['cloned chip'] }, 'passed', 'failed', { 'electronic.chipAuthentication': 'chip_not_genuine' }],
  ['other list', { defects: ['other list'] }, 'failed', 'passed', { 'electronic.passive.list': 'list_differs' }],
  ['length over file', { defects: ['length over file'] }, 'passed', 'passed', { 'electronic.read.dg2': 'file_invalid' }],
  [
    'no card security',
    { persona: 'bjorn', defects: ['no card security'] },
    ...(['passed', 'undetermined', { 'electronic.paceMapping': 'chip_key_invalid' }] as const),
  ],
  [
    'wrong card security',
    { persona: 'bjorn', defects: ['wrong card security'] },
    ...(['passed', 'failed', { 'electronic.paceMapping': 'chip_not_genuine' }] as const),
  ],
  ['expired signer', { signer: 'expired' }, 'failed', 'undetermined', { 'electronic.passive.validity': 'signer_not_valid' }],
  ['revoked signer', { signer: 'revoked' }, 'failed', 'undetermined', { 'electronic.passive.revocation': 'signer_revoked' }],
  ['unknown signer', { signer: 'unknown' }, 'undetermined', 'undetermined', { 'electronic.passive.chain': 'authority_unknown' }],
];

describe('behind pcscd', () => {
  it.each(ROWS)('%s has its verdict', async (_, options, passive, chip, trouble) => {
    const [reader] = pcscd.readers;
    if (!reader) throw new Error('there is no reader');
    const card = createEmrtdCard(options);
    await using bridge = new VpcdBridge({ port: reader.port });
    await bridge.insert(card);
    const ready = (): string | undefined => daemon.desk.cards.find(({ status }) => status === 'ready')?.id;
    const id = await eventually('knowing the document', ready, DEADLINE_MS);
    const client = await connect({ url: daemon.url, token: daemon.token });
    try {
      const reading = await client.call('passport.read', { card: id, access: { mrz: card.printed.mrz.join('\n') } });
      expect(reading.verdicts).toEqual({ passive, chip });
      expect(troubles(reading)).toMatchObject(trouble);
    } finally {
      client.close();
      await client.closed;
    }
    await bridge.remove();
    await pcscd.untilEmpty();
    await eventually('the document to be gone', () => daemon.desk.cards.length === 0, DEADLINE_MS);
  });
});
