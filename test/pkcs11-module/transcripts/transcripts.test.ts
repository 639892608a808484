/** Real clients of all three dialects, as they were recorded: each request is sent again, and answered as it was then. What is random is as long as it was. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as ck from '../../../pkcs11-module/constants.ts';
import type { CallName } from '../../../pkcs11-module/rpc/calls.ts';
import { loadScenario } from '../../../drivers/simulated/scenario.ts';
import { openBench, type Bench } from '../../api/support.ts';
import { noteTyped } from '../../evidence/typed.ts';
import type { Got, Sized, Taken } from '../rpc-client.ts';
import { replay, type Exchange, type ToldAnswer } from './replay.ts';
import { readTranscripts } from './transcript.ts';

const TRANSCRIPTS = readTranscripts();
/** Those that were on the desk, in the order of its readers; the fourth was empty. */
const CARDS = ['operator', 'secondOperatorEid', 'operatorEid'];
const CLIENTS = ['0.24.1', '0.25.5', '0.26.5'];

async function openDesk(undo: AsyncDisposableStack): Promise<Bench> {
  const scenario = undo.use(await loadScenario('office'));
  const bench = undo.use(await openBench({ readers: [...CARDS.map(() => ({})), {}] }));
  for (const [index, name] of CARDS.entries()) {
    const card = scenario.cards.get(name)?.card;
    if (card) await bench.insert(card, index);
  }
  return bench;
}

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
    const bench = await openDesk(undo);
    for (const pin of ['123456', '111113']) noteTyped(pin);
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

/** What may be more than it was then is left out: functions, mechanisms, attributes, uses of a key. */
function comparable({ name, recorded, ours }: Exchange, mechanism: number | undefined): readonly [Said, Said] {
  const wasMissing = 'error' in recorded && MISSING.includes(recorded.error);
  if (wasMissing) return [{}, {}];
  return [said(name, recorded, { mechanism, beside: recorded }), said(name, ours, { mechanism, beside: recorded })];
}

const MISSING: readonly number[] = [ck.CKR_FUNCTION_NOT_SUPPORTED, ck.CKR_TOKEN_WRITE_PROTECTED];

interface Beside {
  readonly mechanism: number | undefined;
  readonly beside: ToldAnswer;
}

function said(name: CallName, answer: ToldAnswer, { mechanism, beside }: Beside): Said {
  if ('error' in answer) return { error: answer.error };
  const tell = TOLD[name] ?? whole;
  return tell(answer.values, 'error' in beside ? [] : beside.values, mechanism);
}

type Values = readonly Taken[];
type Tell = (values: Values, beside: Values, mechanism: number | undefined) => Said;

const whole: Tell = (values) => ({ values });
const count: Tell = ([list]) => ({ count: countOf(list) });
const signature: Tell = (values, _, mechanism) =>
  mechanism !== undefined && RANDOM.includes(mechanism) ? { length: lengthOf(values[0]) } : { values };

const TOLD: { readonly [N in CallName]?: Tell } = {
  // Without kortd's own version.
  C_GetInfo: (values) => ({ values: values.slice(0, -1) }),
  C_GetSlotList: count,
  C_FindObjects: count,
  C_OpenSession: ([handle]) => ({ isHandle: Number(handle) > 0 }),
  C_GetSessionInfo: (values) => ({ values: values.slice(1) }),
  C_GetSlotInfo: ([description, ...values]) => ({ length: typeof description === 'string' && description.length, values }),
  C_GetTokenInfo: (values) => ({
    values: values.map((value, index) => (index === TOKEN_FLAGS ? Number(value) & KEPT_FLAGS : value)),
  }),
  C_GetMechanismList: ([list], [theirs]) => ({ isEnough: countOf(list) >= countOf(theirs) }),
  C_GetMechanismInfo: (values) => ({ values: values.slice(0, -1) }),
  C_GetAttributeValue: ([list], [theirs]) => ({ attributes: attributesOf(list, theirs) }),
  C_Sign: signature,
  C_SignFinal: signature,
  C_GenerateRandom: ([bytes]) => ({ length: lengthOf(bytes) }),
};

/** CK_TOKEN_INFO: label, manufacturer, model, serial number, flags. */
const TOKEN_FLAGS = 4;
const KEPT_FLAGS =
  ck.CKF_LOGIN_REQUIRED |
  ck.CKF_USER_PIN_INITIALIZED |
  ck.CKF_TOKEN_INITIALIZED |
  ck.CKF_USER_PIN_COUNT_LOW |
  ck.CKF_USER_PIN_LOCKED;
/** Signatures in which something is drawn by lot. */
const RANDOM: readonly number[] = [ck.CKM_ECDSA, ck.CKM_RSA_PKCS_PSS];
/** What can be done with an object may grow. */
const USES: readonly number[] = [
  ck.CKA_ENCRYPT,
  ck.CKA_DECRYPT,
  ck.CKA_WRAP,
  ck.CKA_UNWRAP,
  ck.CKA_DERIVE,
  ck.CKA_SIGN_RECOVER,
  ck.CKA_VERIFY_RECOVER,
  ck.CKA_MODIFIABLE,
  0x171,
  0x172,
];

function attributesOf(answer: Taken | undefined, beside: Taken | undefined): readonly unknown[] {
  const theirs = (beside ?? []) as readonly Got[];
  return ((answer ?? []) as readonly Got[]).map((attribute, index) => {
    // What people call an object may be told better than it was.
    if (theirs[index]?.isValid !== true || attribute.type === ck.CKA_LABEL) return attribute.type;
    return USES.includes(attribute.type) ? { ...attribute, value: undefined } : attribute;
  });
}

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
