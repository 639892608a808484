/**
 * OpenSC as a vendor's module, on cards in readers of the real pcscd: those that kortd does not know, and those that a module claims. The cards are kortd's simulated
 * ones; that OpenSC reads them right is shown elsewhere.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { CARD_PROFILES } from '../../apdu/cards/index.ts';
import type { CardProfile } from '../../apdu/card-profile.ts';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { createPcscSource } from '../../drivers/pcsc/source.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { formatHex } from '../../drivers/simulated/bytes.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { writePolicy } from '../api/bench.ts';
import { moduleChildren } from '../support/module-children.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';
import { sha256Of } from '../support/softhsm.ts';

const MODULE = '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so';
const READY_MS = 30_000;
const PINS = { authentication: '123456', signature: '654321' };

let pcscd: Pcscd;
beforeAll(async () => {
  pcscd = await startPcscd(2);
});
afterAll(async () => {
  await pcscd[Symbol.asyncDispose]();
});

interface Desk extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly client: Client;
  /** Puts the card in; resolves with its id when it is identified. */
  insert(card: SimulatedCard, index: number): Promise<string>;
}

async function openDesk(profiles: readonly CardProfile[], claimed: readonly SimulatedCard[] = []): Promise<Desk> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-modules-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const policyFolder = join(folder, 'policy.d');
  const cards = claimed.map(({ atr }) => ({ atr: formatHex(atr) }));
  writePolicy(policyFolder, { modules: [{ name: 'opensc', path: MODULE, sha256: await sha256Of(MODULE), cards }] });
  const source = undo.use(createPcscSource());
  const nothing = (): void => undefined;
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const daemon = undo.use(
    await startDaemon({
      dataFolder: join(folder, 'data'),
      policyFolder,
      port: 0,
      sources: [source],
      simulated: false,
      log,
      profiles,
    }),
  );
  const client = await connect({ url: daemon.url, token: daemon.token });
  undo.defer(() => client.close());
  // The cards of the test before may still be on their way out.
  await pcscd.untilEmpty();
  const areEmpty = (): boolean =>
    daemon.desk.readers.length === 2 && daemon.desk.readers.every(({ status }) => status === 'empty');
  await expect.poll(areEmpty, { timeout: READY_MS }).toBe(true);
  const bridges = undo.use(new AsyncDisposableStack());
  const resources = undo.move();
  return {
    daemon,
    client,
    insert: async (card, index) => {
      const reader = pcscd.readers[index];
      if (!reader) throw new Error(`pcscd has no reader ${index}`);
      const bridge = bridges.use(new VpcdBridge({ port: reader.port }));
      await bridge.insert(card);
      const find = (): string | undefined =>
        daemon.desk.cards.find(({ reader: its, status }) => its.name === reader.name && status !== 'identifying')?.id;
      await expect.poll(find, { timeout: READY_MS }).toBeDefined();
      return find() ?? '';
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function signsRightly(
  client: Client,
  card: string,
  keyReference: string,
  pin: string,
  publicKey: string,
): Promise<boolean> {
  const message = Buffer.from('what a card signs must verify anywhere');
  const digest = createHash('sha256').update(message).digest('base64');
  const target = { card, keyReference, pin, allowLastTry: true };
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  const algorithm = key.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
  const { signature } = await client.call('sign.digest', { ...target, algorithm, digest });
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64'));
}

describe('an eID card that kortd does not know, through OpenSC,', () => {
  it('is one card in its PC/SC reader, with a PIN for each key, and signs with both', async () => {
    await using desk = await openDesk([]);
    const { client } = desk;
    const card = await desk.insert(createEidCard({ persona: 'anna' }), 0);
    const { cards } = await client.call('card.list', {});
    expect(cards).toHaveLength(1);
    expect(cards[0]?.application?.id).toBe('pkcs11');
    const { pins, keys } = await client.call('card.read', { card });
    expect(pins.map(({ reference }) => reference)).toEqual(['01', '02']);
    expect(keys.map(({ keyReference, pin, usage }) => [keyReference, pin, usage])).toEqual([
      ['45', '01', 'authentication'],
      ['46', '02', 'signature'],
    ]);
    for (const { keyReference, usage, publicKey = '' } of keys)
      expect(
        await signsRightly(client, card, keyReference, usage === 'signature' ? PINS.signature : PINS.authentication, publicKey),
      ).toBe(true);
    const documents = Array.from({ length: 20 }, (_, index) => ({
      name: `document ${index}`,
      digest: createHash('sha256').update(String(index)).digest('base64'),
    }));
    const list = {
      card,
      keyReference: '45',
      algorithm: 'RS256',
      documents,
      pin: PINS.authentication,
      allowLastTry: true,
    } as const;
    expect((await client.call('sign.batch', list)).signatures).toHaveLength(20);
    // That a key wants its PIN each time shows itself when it was used.
    const used = await client.call('card.read', { card });
    expect(used.keys.map(({ pinPolicy }) => pinPolicy)).toEqual(['once', 'always']);
    const committed = await client.call('sign.batch', { ...list, keyReference: '46', pin: PINS.signature });
    expect(committed.signatures).toHaveLength(20);
    const wrong = client.call('pin.verify', { card, pinReference: '02', pin: '999999', allowLastTry: true });
    await expect(wrong).rejects.toMatchObject({ code: 'pin_rejected' });
    const { readers } = await client.call('reader.list', {});
    expect(readers.map(({ source }) => source)).toEqual(['pcsc', 'pcsc']);
    await expect(client.call('card.transmit', { card, commands: ['00A4040000'] })).rejects.toMatchObject({
      code: 'card_unsupported',
    });
  });

  it('is used again after the process of the module was killed', async () => {
    await using desk = await openDesk([]);
    const card = await desk.insert(createEidCard({ persona: 'anna' }), 0);
    const { keys } = await desk.client.call('card.read', { card });
    for (const pid of moduleChildren()) process.kill(pid, 'SIGKILL');
    const sign = (): Promise<boolean> => signsRightly(desk.client, card, '45', PINS.authentication, keys[0]?.publicKey ?? '');
    await expect.poll(() => sign().catch(() => false), { timeout: READY_MS }).toBe(true);
  });
});

describe('cards that kortd knows', () => {
  it('are its own unless a module claims them', async () => {
    const eid = createEidCard({ persona: 'anna' });
    const piv = createPivCard();
    await using desk = await openDesk(CARD_PROFILES, [eid]);
    const claimed = await desk.insert(eid, 0);
    const own = await desk.insert(piv, 1);
    const { cards } = await desk.client.call('card.list', {});
    expect(cards.find(({ id }) => id === claimed)?.application?.id).toBe('pkcs11');
    expect(cards.find(({ id }) => id === own)?.application?.id).toBe('piv');
  });

  it('of PIV sign and change their PIN through OpenSC when they are claimed', async () => {
    const piv = createPivCard();
    await using desk = await openDesk(CARD_PROFILES, [piv]);
    const card = await desk.insert(piv, 0);
    const { pins } = await desk.client.call('card.read', { card });
    expect(pins.map(({ reference }) => reference)).toEqual(['01']);
    await desk.client.call('pin.verify', { card, pinReference: '01', pin: '123456', allowLastTry: true });
    await desk.client.call('pin.change', { card, pinReference: '01', pin: '123456', newPin: '222222', allowLastTry: true });
    await desk.client.call('pin.verify', { card, pinReference: '01', pin: '222222', allowLastTry: true });
  });
});
