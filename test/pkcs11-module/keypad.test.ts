/** A login whose PIN is typed on the reader's keypad: for each use of a key, told to whoever looks at the desk, and kept by nobody. */
import { describe, expect, it } from 'vitest';
import type { EventData, EventName } from '../../api-spec/events.ts';
import { eventually, openBench, PIN, WRONG_PIN, type Bench } from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { EID_PINS } from './changes.ts';
import { filledPivCard } from './desk.ts';
import { ck, expectValue, Program } from './program.ts';

const SIGN = { mechanism: { type: ck.CKM_ECDSA }, data: new Uint8Array(32).fill(7) };
const PROGRAM = /^\S+ \(\S+, process \d+\)$/;
const NOT_BEFORE_MS = 500;

interface Keypad {
  /** What is typed next; the last again and again. */
  readonly type: (...entries: readonly (Promise<string> | string)[]) => void;
  readonly typed: () => number;
  readonly bench: Bench;
  readonly program: Program;
  readonly session: number;
}

async function openKeypad(stack: AsyncDisposableStack): Promise<Keypad> {
  const entries: (Promise<string> | string)[] = [PIN];
  let count = 0;
  const keypad = (): Promise<string> | string => {
    count++;
    return (entries.length > 1 ? entries.shift() : entries[0]) ?? '';
  };
  const bench = stack.use(await openBench({ readers: [{ keypad }] }));
  await bench.insert(filledPivCard());
  const program = stack.use(await Program.open(bench));
  return {
    type: (...next) => void entries.splice(0, entries.length, ...next),
    typed: () => count,
    ...{ bench, program, session: await program.session() },
  };
}

type Told = { readonly [N in EventName]: { readonly name: N; readonly data: EventData<N> } }['prompt.changed' | 'prompt.ended'];

async function listen(bench: Bench): Promise<readonly Told[]> {
  const events: Told[] = [];
  const client = await bench.client();
  await client.subscribe(
    { onEvent: (event) => event.name.startsWith('prompt.') && events.push(event as Told) },
    { events: ['prompt.changed', 'prompt.ended'] },
  );
  return events;
}

describe('a reader with a keypad', () => {
  it('is a token’s own place for its PIN, which is typed at the login and for each use of a key', async () => {
    await using stack = new AsyncDisposableStack();
    const { program, session, typed } = await openKeypad(stack);
    const [slot = 0] = await program.slots();
    expect((await program.tokenFlags(slot)) & ck.CKF_PROTECTED_AUTHENTICATION_PATH).not.toBe(0);
    const start = performance.now();
    await program.login(session, undefined);
    expect(performance.now() - start).toBeGreaterThanOrEqual(NOT_BEFORE_MS - 1);
    expect(typed()).toBe(1);
    await expectValue(program.login(session, undefined), ck.CKR_USER_ALREADY_LOGGED_IN);
    const key = await program.key(session, '9A');
    for (const count of [2, 3]) {
      expect(await program.sign(session, key, SIGN)).toHaveLength(64);
      expect(typed()).toBe(count);
    }
    await program.client.call('C_Logout', session);
    await expectValue(program.client.call('C_SignInit', session, SIGN.mechanism, key), ck.CKR_KEY_HANDLE_INVALID);
  });

  it('has the PIN of a key that wants it each time typed once for that', async () => {
    await using stack = new AsyncDisposableStack();
    const { program, session, typed } = await openKeypad(stack);
    await program.login(session, undefined);
    const key = await program.key(session, '9C');
    await program.client.call('C_SignInit', session, { type: ck.CKM_SHA256_RSA_PKCS }, key);
    await program.login(session, undefined, ck.CKU_CONTEXT_SPECIFIC);
    const before = typed();
    expect(await program.bytes('C_Sign', session, new Uint8Array(10), 512)).toHaveLength(256);
    expect(typed()).toBe(before + 1);
  });

  it('still takes the PIN that a program brings, and leaves the question to kortd’s own prompt while one is open', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, program, session, typed } = await openKeypad(stack);
    await program.login(session, PIN);
    await program.client.call('C_Logout', session);
    const station = stack.use(await TestStation.open(bench));
    const login = program.login(session, undefined);
    station.type((await station.prompt()).id, { pin: PIN });
    await login;
    expect(await program.sign(session, await program.key(session, '9A'), SIGN)).toHaveLength(64);
    expect(typed()).toBe(0);
  });

  it('takes nothing for a PIN that a program says is empty', async () => {
    await using stack = new AsyncDisposableStack();
    const { program, session, typed } = await openKeypad(stack);
    await expect(program.client.call('C_Login', session, ck.CKU_USER, new Uint8Array())).rejects.toThrow();
    expect(typed()).toBe(0);
  });
});

describe('what is typed on a keypad for a program', () => {
  it('is told while it is waited for: who asks, for which card, on which reader, since when; and that it ended', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, program, session, type } = await openKeypad(stack);
    const events = await listen(bench);
    const client = await bench.client();
    const person = Promise.withResolvers<string>();
    type(person.promise, WRONG_PIN, PIN, 'cancel', PIN, 'timeout');
    const login = program.login(session, undefined);
    await eventually('the keypad being told', () =>
      events.some(({ name, data }) => name === 'prompt.changed' && 'where' in data.prompt),
    );
    const { prompts } = await client.call('prompt.list');
    expect(prompts).toEqual([
      {
        ...{ prompt: prompts[0]?.prompt, kind: 'pin', action: 'verify', where: 'keypad', reader: 'Bench 0' },
        asker: { kind: 'program', name: expect.stringMatching(PROGRAM) as string },
        card: expect.stringMatching(/^PIV .*Bench 0$/) as string,
        user: String(process.getuid?.()),
        task: { en: 'Using the card', sv: 'Att använda kortet' },
        since: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      },
    ]);
    person.resolve(PIN);
    await login;
    const ended = (): readonly string[] => events.flatMap((event) => (event.name === 'prompt.ended' ? event.data.outcome : []));
    await eventually('its end', () => ended().length === 1);
    expect((await client.call('prompt.list')).prompts).toEqual([]);
    const key = await program.key(session, '9A');
    await expectValue(program.sign(session, key, SIGN), ck.CKR_USER_NOT_LOGGED_IN);
    await program.login(session, undefined);
    await expectValue(program.sign(session, key, SIGN), ck.CKR_FUNCTION_CANCELED);
    expect(await program.sign(session, key, SIGN)).toHaveLength(64);
    await expectValue(program.sign(session, key, SIGN), ck.CKR_FUNCTION_CANCELED);
    await eventually('the ends', () => ended().length === 6);
    expect(ended()).toEqual(['answered', 'answered', 'answered', 'cancelled', 'answered', 'timedOut']);
    expect(JSON.stringify(events)).not.toMatch(new RegExp(`${PIN}|${WRONG_PIN}`));
  });

  it('names the PIN, on a card with two', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ readers: [{ keypad: () => EID_PINS.underskrift }] }));
    await bench.insert(createEidCard({ persona: 'anna', pins: EID_PINS }));
    const events = await listen(bench);
    const program = stack.use(await Program.open(bench));
    const [, second = 0] = await program.slots();
    await program.login(await program.session(second), undefined);
    await eventually('its end', () => events.some(({ name }) => name === 'prompt.ended'));
    expect(events[0]).toMatchObject({ data: { prompt: { pinLabel: expect.stringMatching(/underskrift/i) as string } } });
  });

  it('is never the last try: nobody could be told that it is', async () => {
    await using stack = new AsyncDisposableStack();
    const { program, session, type, typed } = await openKeypad(stack);
    type(WRONG_PIN);
    for (let wrong = 0; wrong < 2; wrong++) await expectValue(program.login(session, undefined), ck.CKR_PIN_INCORRECT);
    await expectValue(program.login(session, undefined), ck.CKR_FUNCTION_REJECTED);
    expect(typed()).toBe(2);
  });
});
