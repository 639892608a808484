/** Real clients of all three dialects, as they were recorded: each request is sent again, and answered as it was then. What is random is as long as it was. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as ck from '../../../pkcs11-module/constants.ts';
import type { CallName } from '../../../pkcs11-module/rpc/calls.ts';
import type { Sized, Taken } from '../rpc-client.ts';
import { openTranscriptDesk } from './desk.ts';
import { replay, type Exchange, type ToldAnswer } from './replay.ts';
import { readTranscripts } from './transcript.ts';

const TRANSCRIPTS = readTranscripts();
const CLIENTS = ['0.24.1', '0.25.5', '0.26.5'];

describe('the transcripts', () => {
  it('are of a client of each dialect, and tell which program it was', () => {
    for (const [dialect, client] of CLIENTS.entries()) {
      const own = [...TRANSCRIPTS].filter(([name]) => name.startsWith(`${client}-`));
      expect(own.length).toBeGreaterThan(5);
      for (const [, { title, fields, connections }] of own) {
        expect(title).not.toBe('');
        expect([...fields.keys()]).toEqual(['Client', 'Program', 'Command']);
        expect(fields.get('Client')).toContain(`p11-kit ${client} (Debian `);
        expect(connections.map(({ version }) => version)).toEqual(connections.map(() => dialect));
      }
    }
  });
});

describe('a recorded client is answered as it was:', () => {
  it.each([...TRANSCRIPTS])('%s', async (_, { connections }) => {
    await using undo = new AsyncDisposableStack();
    const bench = await openTranscriptDesk(undo);
    for (const connection of connections) {
      const exchanges = await replay(join(bench.dataFolder, 'pkcs11'), connection);
      expect(exchanges.length).toBeGreaterThan(2);
      for (const [index, exchange] of exchanges.entries()) {
        const where = `${exchange.name}, request ${index + 1}`;
        const [recorded, ours] = comparable(exchange, mechanismBefore(exchanges, index));
        expect(ours, where).toEqual(recorded);
      }
    }
  });
});

type Said = Readonly<Record<string, unknown>>;

/** Whole, but for what a client or the daemon numbers, what is drawn by lot, and kortd's own version. */
function comparable({ name, recorded, ours }: Exchange, mechanism: number | undefined): readonly [Said, Said] {
  return [said(name, recorded, mechanism), said(name, ours, mechanism)];
}

function said(name: CallName, answer: ToldAnswer, mechanism: number | undefined): Said {
  if ('error' in answer) return { error: answer.error };
  return (TOLD[name] ?? whole)(answer.values, mechanism);
}

type Tell = (values: readonly Taken[], mechanism: number | undefined) => Said;

const whole: Tell = (values) => ({ values });
const signature: Tell = (values, mechanism) =>
  mechanism !== undefined && RANDOM.includes(mechanism) ? { length: lengthOf(values[0]) } : { values };

const TOLD: { readonly [N in CallName]?: Tell } = {
  // Without kortd's own version.
  C_GetInfo: (values) => ({ values: values.slice(0, -1) }),
  C_FindObjects: ([list]) => ({ count: countOf(list) }),
  C_OpenSession: ([handle]) => ({ isHandle: Number(handle) > 0 }),
  C_Sign: signature,
  C_SignFinal: signature,
  C_GenerateRandom: ([bytes]) => ({ length: lengthOf(bytes) }),
};

/** Signatures in which something is drawn by lot. */
const RANDOM: readonly number[] = [ck.CKM_ECDSA, ck.CKM_RSA_PKCS_PSS];

function countOf(value: Taken | undefined): number {
  const sized = value as Sized<readonly number[]>;
  return 'value' in sized ? sized.value.length : sized.length;
}

function lengthOf(value: Taken | undefined): number {
  const sized = value as Sized<Uint8Array>;
  return 'value' in sized ? sized.value.length : sized.length;
}

/** CKM_ of the signature that was begun last. */
function mechanismBefore(exchanges: readonly Exchange[], index: number): number | undefined {
  return exchanges.slice(0, index).findLast(({ name }) => name === 'C_SignInit')?.mechanism;
}
