/** curl, GnuTLS and NSS in the middle of a handshake while the daemon, the module's process or the card goes: none dies by a signal, and each is let in again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build } from '../../cli/program.ts';
import { noteTyped } from '../../evidence/typed.ts';
import { STAFF } from '../staff.ts';
import { openHandshakes, type HandshakePlace } from './held-handshakes.ts';
import { EID_PIN, openRestarted, PIV_PIN, type Restarted } from './restarted-desk.ts';

const KEYS = [
  { uri: 'pkcs11:token=PIV%20card;id=%9a', nickname: 'PIV card:PIV Authentication Key', pin: PIV_PIN },
  {
    uri: 'pkcs11:token=EID%20card%20%28authentication%29;id=%45',
    nickname: 'EID card (authentication):Legitimering',
    pin: EID_PIN,
  },
  { uri: 'pkcs11:token=Staff%20token;id=%a1', nickname: 'Staff token:Staff RSA', pin: STAFF.pin },
  { uri: 'pkcs11:token=Staff%20token;id=%a2', nickname: 'Staff token:Staff curve', pin: STAFF.pin },
] as const;

let desk: Restarted;
let handshakes: HandshakePlace;
beforeAll(async () => {
  build();
  noteTyped(STAFF.pin);
  desk = await openRestarted({
    staff: [
      { kind: 'RSA', id: 'a1', label: 'Staff RSA', person: 'Staff with RSA' },
      { kind: 'EC', id: 'a2', label: 'Staff curve', person: 'Staff with a curve' },
    ],
  });
  await desk.start();
  handshakes = await openHandshakes(desk);
}, 120_000);
afterAll(async () => {
  await handshakes[Symbol.asyncDispose]();
  await desk.end('SIGTERM');
  await desk[Symbol.asyncDispose]();
});

const BLOWS: Readonly<Record<string, readonly [befall: () => Promise<void>, mend: () => Promise<void>]>> = {
  'the daemon is killed': [() => desk.end('SIGKILL'), () => desk.start()],
  'the daemon is stopped': [() => desk.end('SIGTERM'), () => desk.start()],
  'the daemon is killed and started again': [() => desk.end('SIGKILL').then(() => desk.start()), () => Promise.resolve()],
  'the module crashes': [() => desk.crashModule(), () => Promise.resolve()],
  'the cards are pulled': [
    async () => {
      await desk.move('out', 'First', 'operator');
      await desk.move('out', 'Second', 'operatorEid');
    },
    async () => {
      await desk.move('in', 'First', 'operator');
      await desk.move('in', 'Second', 'operatorEid');
      await desk.untilReady();
    },
  ],
};

describe.each(Object.entries(BLOWS))('%s while programs are in the middle of a handshake', (blow, [befall, mend]) => {
  it('each ends by itself, and is let in afterwards', { timeout: 120_000 }, async () => {
    const ended = await handshakes.hold(KEYS, befall);
    expect(ended.filter(({ signal }) => signal !== null)).toEqual([]);
    // They were in the middle indeed: without a daemon nobody proves to have a key.
    const provenByNobody = ended.filter(({ output }) => /hello (?!nobody)/.test(output));
    if (blow === 'the daemon is killed' || blow === 'the daemon is stopped') expect(provenByNobody).toEqual([]);
    await mend();
    const again = await handshakes.hold(KEYS, () => Promise.resolve());
    expect(again).toHaveLength(KEYS.length * 3);
    for (const { client, output } of again) expect(output, client).toContain('hello ');
    for (const { client, output } of again) expect(output, client).not.toContain('hello nobody');
  });
});
