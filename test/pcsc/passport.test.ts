/** A simulated passport behind the real pcscd: opened by PACE and by BAC over PC/SC, and read. Needs private namespaces: see `test/support/pcscd.ts`. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { openChannel, type CardChannel } from '../../apdu/card-channel.ts';
import { performBac } from '../../apdu/icao9303/bac.ts';
import { performPace } from '../../apdu/icao9303/pace.ts';
import { paceInfosOf, parseSecurityInfos } from '../../apdu/icao9303/security-infos.ts';
import type { Exchange } from '../../apdu/iso7816/exchange.ts';
import { withSecureMessaging } from '../../apdu/secure-messaging/secure-messaging.ts';
import { createPcscSource, type PcscSource } from '../../drivers/pcsc/source.ts';
import { createEmrtdCard } from '../../drivers/simulated/cards/emrtd.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';

const APPLICATION = parseHex('A0000002471001');
const drawn = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
/** Each has a reader to itself, and opens by PACE or BAC. */
const PERSONAS = [
  ['anna', true],
  ['david', true],
  ['cecilia', false],
] as const;
let pcscd: Pcscd;

beforeAll(async () => {
  pcscd = await startPcscd(PERSONAS.length);
});

afterAll(async () => {
  await pcscd[Symbol.asyncDispose]();
});

async function readAnswer(exchange: Exchange, shortId: number, ne: number): Promise<Uint8Array> {
  const { data, statusWord } = await exchange({ cla: 0, ins: 0xb0, p1: 0x80 | shortId, p2: 0, ne });
  expect(statusWord).toBe(0x9000);
  return data;
}

async function selectApplication(exchange: Exchange): Promise<void> {
  expect((await exchange({ cla: 0, ins: 0xa4, p1: 0x04, p2: 0x0c, data: APPLICATION })).statusWord).toBe(0x9000);
}

async function open(channel: CardChannel, information: string, isPace: boolean): Promise<Exchange> {
  if (!isPace) {
    await selectApplication(channel.exchange);
    return withSecureMessaging(channel.exchange, await performBac(channel, information, drawn));
  }
  const [info] = paceInfosOf(parseSecurityInfos(await readAnswer(channel.exchange, 0x1c, 256)));
  if (!info) throw new Error('the chip offers no PACE');
  const { session } = await performPace(channel, info, { kind: 'mrz', information }, drawn);
  const secure = withSecureMessaging(channel.exchange, session);
  await selectApplication(secure);
  return secure;
}

/** The service notices a card some time after it came. */
async function untilThere(source: PcscSource, name: string): Promise<void> {
  const end = new AbortController();
  for await (const state of source.watch({ signal: AbortSignal.any([end.signal, AbortSignal.timeout(10_000)]) }))
    if (state.name === name && state.status === 'present') break;
  end.abort();
}

describe('a passport behind pcscd', () => {
  it.each(PERSONAS)('of %s is opened and read', async (persona, isPace) => {
    const card = createEmrtdCard({ persona });
    const reader = pcscd.readers[PERSONAS.findIndex(([name]) => name === persona)];
    if (!reader) throw new Error('there is no reader');
    await using bridge = new VpcdBridge({ port: reader.port });
    await bridge.insert(card);
    await using source = createPcscSource();
    await untilThere(source, reader.name);
    await using connection = await source.connect(reader.name, { signal: AbortSignal.timeout(10_000) });
    expect(formatHex(connection.atr)).toBe(formatHex(card.atr));
    const secure = await open(openChannel(connection), card.printed.mrzInformation, isPace);
    const zone = Buffer.from(await readAnswer(secure, 0x01, 256)).toString('latin1');
    expect(zone).toContain(card.printed.mrz.join(''));
    expect((await readAnswer(secure, 0x02, 256)).length).toBeGreaterThan(200);
  });
});
