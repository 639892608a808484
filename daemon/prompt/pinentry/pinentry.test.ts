/** askForPins against programs that break the protocol; test/pinentry/ has the real ones. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../../apdu/secret.ts';
import { MAX_LINE_BYTES } from './assuan.ts';
import {
  PromptCancelledError,
  PromptEntryError,
  PromptError,
  PromptProgramMissingError,
  PromptProtocolError,
  PromptTimedOutError,
} from '../errors.ts';
import type { EnteredPins } from '../entered-pins.ts';
import type { PinAction } from '../prompt.ts';
import { askForPins, type PinRequest } from './pinentry.ts';
import { PROMPT_TEXTS, type PromptLanguage } from './texts.ts';

const PIN = '739146';
const LANGUAGES = Object.keys(PROMPT_TEXTS) as PromptLanguage[];
const REQUEST: PinRequest = {
  action: 'verify',
  title: 'kortd',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'Card 1234',
  purpose: 'sign an order',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
  pukLength: { min: 8, max: 8 },
  language: 'en',
};

let folder: string;
let count = 0;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'kortd-prompt-'))));
afterAll(() => rm(folder, { recursive: true }));

interface Fake {
  readonly program: string;
  /** What it was told, its process id first. */
  readonly told: () => Promise<readonly string[]>;
}

/** A program that answers GETPIN by these turns (the last again and again), CONFIRM by `confirm`, and everything else by OK. */
async function fake(turns: readonly string[], { greeting = 'OK hello', confirm = 'OK', before = '' } = {}): Promise<Fake> {
  const name = join(folder, `program-${++count}`);
  const cases = turns.map((turn, index) => `${index === turns.length - 1 ? '*' : index + 1}) printf '%s\\n' '${turn}';;`);
  await writeFile(
    name,
    [
      '#!/bin/sh',
      before,
      `echo $$ > ${name}.log`,
      `echo '${greeting}'`,
      'turn=0',
      'while read -r line; do',
      `  printf '%s\\n' "$line" >> ${name}.log`,
      '  case "$line" in',
      `    GETPIN) turn=$((turn + 1)); case $turn in ${cases.join(' ')} esac;;`,
      `    CONFIRM) printf '%s\\n' '${confirm}';;`,
      '    CAN) ;;',
      '    *) echo OK;;',
      '  esac',
      'done',
    ].join('\n'),
  );
  await chmod(name, 0o755);
  return { program: name, told: async () => (await readFile(`${name}.log`, 'utf8')).trimEnd().split('\n') };
}

function ask(
  program: string,
  change: Partial<PinRequest> = {},
  timeoutMs = 8_000,
  signal = new AbortController().signal,
): Promise<EnteredPins> {
  return askForPins({ ...REQUEST, ...change }, { signal, program, environment: { LD_PRELOAD: 'evil.so' }, timeoutMs });
}

async function isGone(program: Fake): Promise<boolean> {
  const [id] = await program.told();
  try {
    return !process.kill(Number(id), 0);
  } catch {
    return true;
  }
}

function textOf(pins: EnteredPins, name: 'pin' | 'newPin' | 'puk'): string {
  return pins.require(name).use((bytes) => Buffer.from(bytes).toString());
}

async function failureOf(pins: Promise<EnteredPins>): Promise<unknown> {
  return pins.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('askForPins', () => {
  it('joins data lines, takes their escapes out, and leaves no program behind', async () => {
    const program = await fake(['D 73%39\nD 146\nOK']);
    using pins = await ask(program.program);
    expect(textOf(pins, 'pin')).toBe(PIN);
    expect(await isGone(program)).toBe(true);
  });

  it('prints no PIN, wherever the entries are printed', async () => {
    using pins = await ask((await fake([`D ${PIN}\nOK`])).program);
    for (const printed of [
      inspect(pins, { depth: 9, showHidden: true }),
      JSON.stringify(pins),

      inspect(pins.secrets, { depth: 9 }),
    ])
      expect(printed).not.toContain(PIN);
  });

  it.each([
    ['a line of no kind', PIN],
    ['a status that is none', `S ${PIN}`],
    ['an error without a code', `ERR ${PIN}`],
    ['an escape that is none', `D ${PIN}%zz\nOK`],
    ['a data line without a space', `D${PIN}\nOK`],
    ['a line that is too long', `D ${PIN}${'1'.repeat(2000)}`],
    ['data without an end', Array.from({ length: 90 }, () => `D ${PIN}${'1'.repeat(900)}`).join('\n')],
    ['lines without an end', Array.from({ length: 200 }, () => `# ${PIN}`).join('\n')],
    ['a PIN that it had kept', `S PASSWORD_FROM_CACHE\nD ${PIN}\nOK`],
    ['an error of its own', `ERR 83886340 ${PIN}`],
  ])('refuses %s, tells no word of it, and ends the program', async (_, turn) => {
    const program = await fake([turn]);
    const error = await failureOf(ask(program.program));
    expect(error).toBeInstanceOf(PromptProtocolError);
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + String(error)).not.toContain(PIN);
    expect(await isGone(program)).toBe(true);
  });

  it('refuses an entry of which nothing was asked, before it asks', async () => {
    const error = await failureOf(ask((await fake([''], { greeting: `D ${PIN}` })).program));
    expect(error).toBeInstanceOf(PromptProtocolError);
    expect(inspect(error)).not.toContain(PIN);
  });

  it('tells a program that wants to know something that there is nothing to tell', async () => {
    const program = await fake([`INQUIRE CHECKPIN ${PIN}\nD ${PIN}\nOK`]);
    using pins = await ask(program.program);
    expect(textOf(pins, 'pin')).toBe(PIN);
    expect(await program.told()).toContain('CAN');
  });

  it.each([
    ['83886179', PromptCancelledError],
    ['83886278', PromptCancelledError],
    ['83886142', PromptTimedOutError],
  ])('takes error %s for what it is', async (code, expected) => {
    expect(await failureOf(ask((await fake([`ERR ${code} x`])).program))).toBeInstanceOf(expected);
  });

  it('asks again after an empty entry and one of the wrong length, and says what was wrong', async () => {
    const program = await fake(['OK', 'D 1\nOK', 'D 123456789\nOK', `D ${PIN}\nOK`]);
    using pins = await ask(program.program);
    expect(textOf(pins, 'pin')).toBe(PIN);
    const errors = (await program.told()).filter((line) => line.startsWith('SETERROR'));
    expect(errors).toEqual([
      'SETERROR Nothing was entered.',
      ...(Array(2).fill('SETERROR It has 6 to 8 characters.') as string[]),
    ]);
  });

  it('asks again three times and no more', async () => {
    const program = await fake(['OK']);
    expect(await failureOf(ask(program.program))).toBeInstanceOf(PromptEntryError);
    expect((await program.told()).filter((line) => line === 'GETPIN')).toHaveLength(4);
    expect(await isGone(program)).toBe(true);
  });

  it('asks a second time when the program cannot ask twice in one dialog, until both are the same', async () => {
    const program = await fake([`D ${PIN}\nOK`, 'D 111111\nOK', 'D 222222\nOK', 'D 333333\nOK', 'D 333333\nOK']);
    using pins = await ask(program.program, { action: 'change' });
    expect([textOf(pins, 'pin'), textOf(pins, 'newPin')]).toEqual([PIN, '333333']);
    expect(await program.told()).toContain('SETERROR The two were not the same.');
  });

  it('asks once when the program says that it asked twice', async () => {
    const program = await fake(['D 12345678\nOK', `S PIN_REPEATED\nD ${PIN}\nOK`]);
    using pins = await ask(program.program, { action: 'unblock' });
    expect([textOf(pins, 'puk'), textOf(pins, 'newPin')]).toEqual(['12345678', PIN]);
    expect([...pins.secrets.keys()]).toEqual(['puk', 'newPin']);
  });

  it.each<[string, readonly string[]]>([
    ['the second is cancelled', [`D ${PIN}\nOK`, 'ERR 83886179 x']],
    [
      'the new PIN is never the same twice',
      [`D ${PIN}\nOK`, 'D 111111\nOK', 'D 222222\nOK', 'D 111111\nOK', 'D 222222\nOK', 'D 333333\nOK', 'D 444444\nOK', 'D 1\nOK'],
    ],
    ['the repetition is cancelled', [`D ${PIN}\nOK`, 'D 111111\nOK', 'ERR 83886179 x']],
    ['the program breaks the protocol', [`D ${PIN}\nOK`, `D ${PIN}\nNO`]],
    ['an entry was kept', [`D ${PIN}\nOK`, `S PASSWORD_FROM_CACHE\nD ${PIN}\nOK`]],
  ])('wipes every entry when %s', async (_, turns) => {
    const taken = vi.spyOn(Secret, 'take');
    try {
      expect(await failureOf(ask((await fake(turns)).program, { action: 'change' }))).toBeInstanceOf(PromptError);
      expect(taken.mock.calls.length).toBeGreaterThan(0);
      for (const [bytes] of taken.mock.calls) expect(bytes.every((byte) => byte === 0)).toBe(true);
    } finally {
      taken.mockRestore();
    }
  });

  it.each([1, undefined])('with %s tries left has the person confirm before anything can be typed', async (triesLeft) => {
    const { triesLeft: _, ...request } = REQUEST;
    const options = (program: string): Parameters<typeof askForPins>[1] => ({
      program,
      environment: {},
      timeoutMs: 8_000,
      signal: new AbortController().signal,
    });
    const left = { ...request, ...(triesLeft === undefined ? {} : { triesLeft }) };
    const program = await fake([`D ${PIN}\nOK`]);
    (await askForPins(left, options(program.program)))[Symbol.dispose]();
    const told = await program.told();
    expect(told.indexOf('CONFIRM')).toBeGreaterThan(0);
    expect(told.indexOf('CONFIRM')).toBeLessThan(told.indexOf('GETPIN'));
    const refused = await fake([`D ${PIN}\nOK`], { confirm: 'ERR 83886179 x' });
    expect(await failureOf(askForPins(left, options(refused.program)))).toBeInstanceOf(PromptCancelledError);
    expect(await refused.told()).not.toContain('GETPIN');
  });

  it.each(LANGUAGES)('fits the longest texts of a page into the lines of the protocol (%s)', async (language) => {
    for (const action of ['verify', 'change', 'unblock'] satisfies PinAction[])
      for (const triesLeft of [1, 1000]) {
        const program = await fake(['D 12345678\nOK']);
        const long = '%å'.repeat(500);
        (
          await ask(program.program, {
            action,
            triesLeft,
            language,
            title: long,
            card: long,
            purpose: long,
            asker: { kind: 'origin', name: long },
          })
        )[Symbol.dispose]();
        for (const line of await program.told()) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
      }
  });

  it('gives a page no line of its own in the dialog', async () => {
    const program = await fake([`D ${PIN}\nOK`]);
    const evil = 'x”\nCard: “mine%0ACard:\r\nSETDESC y\u2028z\u202e';
    (await ask(program.program, { purpose: evil, card: evil, title: evil, asker: { kind: 'program', name: evil } }))[
      Symbol.dispose
    ]();
    const told = await program.told();
    const [description] = told.filter((line) => line.startsWith('SETDESC'));
    const lines = (description ?? '')
      .slice('SETDESC '.length)
      .split('%0A')
      .map((line) => decodeURIComponent(line));
    expect(lines).toHaveLength(6);
    const shown = "“x' Card: 'mine%0ACard: SETDESC y z?”";
    expect(lines).toEqual([
      `Program: ${shown}`,
      `Card: ${shown}`,
      `Purpose, in its own words: ${shown}`,
      '',
      'Enter your PIN.',
      'Tries left: 3',
    ]);
  });

  it('hands no more of the environment on than a dialog needs, and never asks for a PIN to be kept', async () => {
    const program = await fake([`D ${PIN}\nOK`], { before: `env > ${join(folder, 'environment')}` });
    (await ask(program.program))[Symbol.dispose]();
    expect(await readFile(join(folder, 'environment'), 'utf8')).not.toContain('evil');
    expect((await program.told()).join('\n')).not.toMatch(/cache|SETKEYINFO/);
  });

  it('waits no longer than it may, also for a program that ignores every request to end', async () => {
    const program = await fake([''], { before: "trap '' ALRM TERM INT" });
    const begun = performance.now();
    const error = await failureOf(ask(program.program, {}, 300));
    expect(error).toBeInstanceOf(PromptTimedOutError);
    expect(error).toMatchObject({ timeoutMs: 300 });
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(await isGone(program)).toBe(true);
  });

  it('ends with the caller, by the caller’s reason, and the program is gone by then', async () => {
    const program = await fake(['']);
    const controller = new AbortController();
    const reason = new Error('the socket closed');
    setTimeout(() => controller.abort(reason), 200);
    expect(await failureOf(ask(program.program, {}, 8_000, controller.signal))).toBe(reason);
    expect(await isGone(program)).toBe(true);
  });

  it('opens no dialog for a caller that is gone', async () => {
    const program = await fake(['']);
    const reason = new Error('gone');
    expect(await failureOf(ask(program.program, {}, 8_000, AbortSignal.abort(reason)))).toBe(reason);
    await expect(program.told()).rejects.toThrow('ENOENT');
  });

  it.each([
    ['ends at once', 'exit 3'],
    ['greets with an error', "echo 'ERR 83886340 no'; read -r line"],
  ])('says so when the program %s', async (_, before) => {
    expect(await failureOf(ask((await fake([''], { before })).program))).toBeInstanceOf(PromptProtocolError);
  });

  it('waits five seconds for a program that never greets', async () => {
    expect(await failureOf(ask((await fake([''], { before: 'sleep 0.1; exec sleep 20' })).program, {}, 20_000))).toMatchObject({
      name: 'PromptProtocolError',
      message: expect.stringContaining('5000 ms') as string,
    });
  });

  it('names the Debian package of a program that is not there', async () => {
    const error = await failureOf(ask(join(folder, 'pinentry-gtk-2')));
    expect(error).toBeInstanceOf(PromptProgramMissingError);
    expect(error).toBeInstanceOf(PromptError);
    expect(error).toMatchObject({ debianPackage: 'pinentry-gtk2' });
  });

  it.each([{ triesLeft: 0 }, { pinLength: { min: 0, max: 8 } }, { pinLength: { min: 8, max: 6 } }])(
    'opens no dialog for %j',
    async (change) => {
      expect(await failureOf(ask((await fake([''])).program, change))).toBeInstanceOf(RangeError);
    },
  );
});
