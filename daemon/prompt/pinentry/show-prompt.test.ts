/** showPrompt against programs that break the protocol; test/pinentry/ has the real ones. */
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
import { SCOPES, type Scope } from '../../../api-spec/scopes.ts';
import type { ConsentPrompt, PinAction, PinPrompt, Prompt } from '../prompt.ts';
import { showPrompt, type ShowPromptOptions } from './show-prompt.ts';
import { PROMPT_TEXTS, type PromptLanguage } from './texts.ts';

const PIN = '739146';
const LANGUAGES = Object.keys(PROMPT_TEXTS) as PromptLanguage[];
const REQUEST: PinPrompt = {
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'Card 1234',
  purpose: 'sign an order',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
  pukLength: { min: 8, max: 8 },
};
const CONSENT: ConsentPrompt = {
  kind: 'consent',
  asker: { kind: 'origin', name: 'https://portal.example' },
  scopes: ['card.read', 'sign'],
  reason: 'to sign orders',
  code: 'KX4-7QP',
};
const ANY: Omit<ShowPromptOptions, 'program'> = {
  environment: {},
  timeoutMs: 8_000,
  signal: new AbortController().signal,
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
async function fake(
  turns: readonly string[],
  { greeting = 'OK hello', confirm = 'OK', before = '', flavor = 'gtk2' } = {},
): Promise<Fake> {
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
      `    CONFIRM*) printf '%s\\n' '${confirm}';;`,
      `    'GETINFO flavor') printf '%s\\n' 'D ${flavor}' OK;;`,
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
  change: Partial<PinPrompt> = {},
  timeoutMs = 8_000,
  signal = new AbortController().signal,
): Promise<EnteredPins> {
  return showPrompt({ ...REQUEST, ...change }, { ...ANY, signal, program, environment: { LD_PRELOAD: 'evil.so' }, timeoutMs });
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

describe('showPrompt', () => {
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
    const left = { ...request, ...(triesLeft === undefined ? {} : { triesLeft }) };
    const program = await fake([`D ${PIN}\nOK`]);
    (await showPrompt(left, { ...ANY, program: program.program }))[Symbol.dispose]();
    const told = await program.told();
    expect(told.indexOf('CONFIRM --focus=cancel')).toBeGreaterThan(0);
    expect(told.indexOf('CONFIRM --focus=cancel')).toBeLessThan(told.indexOf('GETPIN'));
    const refused = await fake([`D ${PIN}\nOK`], { confirm: 'ERR 83886179 x' });
    expect(await failureOf(showPrompt(left, { ...ANY, program: refused.program }))).toBeInstanceOf(PromptCancelledError);
    expect(await refused.told()).not.toContain('GETPIN');
  });

  it.each(LANGUAGES)('fits the longest texts of a page into the lines of the protocol (%s)', async (language) => {
    for (const action of ['verify', 'change', 'unblock'] satisfies PinAction[])
      for (const triesLeft of [1, 1000]) {
        const program = await fake(['D 12345678\nOK']);
        const long = '%å'.repeat(500);
        (
          await showPrompt(
            { ...REQUEST, action, triesLeft, card: long, purpose: long, asker: { kind: 'origin', name: long } },
            { ...ANY, program: program.program, language },
          )
        )[Symbol.dispose]();
        for (const line of await program.told()) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
      }
  });

  it('gives a page no line of its own in the dialog', async () => {
    const program = await fake([`D ${PIN}\nOK`]);
    const evil = 'x”\nCard: “mine%0ACard:\r\nSETDESC y\u2028z\u202e';
    (await ask(program.program, { purpose: evil, card: evil, asker: { kind: 'program', name: evil } }))[Symbol.dispose]();
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

  it('takes no PIN that is longer than its length can tell, whatever the card takes', async () => {
    const program = await fake([`D ${'1'.repeat(256)}\nOK`, `D ${PIN}\nOK`]);
    using pins = await ask(program.program, { pinLength: { min: 4, max: 1_000 } });
    expect(textOf(pins, 'pin')).toBe(PIN);
  });

  it.each(['de_DE.ISO-8859-15', 'sv_SE.UTF-8', 'C', ''])(
    'in the locale "%s" names a character set that is there',
    async (LANG) => {
      const program = await fake([`D ${PIN}\nOK`]);
      (await showPrompt(REQUEST, { ...ANY, program: program.program, environment: { LANG } }))[Symbol.dispose]();
      const expected = LANG.startsWith('de') ? LANG : 'C.UTF-8';
      expect(await program.told()).toContain(`OPTION lc-ctype=${expected}`);
    },
  );
});

/** What the person said, by the program's flavor: what it answers for each of its buttons. */
const SAID: readonly (readonly [string, string, string, boolean])[] = [
  ['gtk2', 'the first button', 'OK', true],
  ['gtk2', 'Cancel', 'ERR 83886179 x', false],
  ['gnome3', 'Cancel, in a program that calls that "not confirmed"', 'ERR 83886194 x', false],
  ['qt:curses', 'the first button', 'OK', false],
  ['curses', 'the first button', 'OK', false],
  ['curses', 'the second button', 'ERR 83886194 x', true],
  ['curses', 'Cancel', 'ERR 83886179 x', false],
];

describe.each<[string, Prompt]>([
  ['consent', CONSENT],
  ['a last try', { kind: 'lastTry', entry: 'pin', asker: CONSENT.asker, card: 'Card 1234', purpose: 'x', triesLeft: 1 }],
])('for %s', (_, prompt) => {
  it.each(SAID)('%s: %s (%s) means yes: %s', async (flavor, __, confirm, isYes) => {
    const program = await fake([''], { confirm, flavor });
    const shown = showPrompt(prompt, { ...ANY, program: program.program });
    if (isYes) expect((await shown).secrets.size).toBe(0);
    else expect(await failureOf(shown)).toBeInstanceOf(PromptCancelledError);
    const told = await program.told();
    expect(told.some((line) => line.startsWith('SETNOTOK'))).toBe(flavor.endsWith('curses'));
    expect(told).not.toContain('GETPIN');
    expect(await isGone(program)).toBe(true);
  });

  it.each([
    ['its own time limit', 'ERR 83886142 x', PromptTimedOutError],
    ['a window that is too small', 'ERR 83886381 x', PromptProtocolError],
    ['any other error', 'ERR 83886340 x', PromptProtocolError],
  ])('%s is no yes', async (__, confirm, expected) => {
    for (const flavor of ['tty', 'curses']) {
      const program = await fake([''], { confirm, flavor });
      expect(await failureOf(showPrompt(prompt, { ...ANY, program: program.program }))).toBeInstanceOf(expected);
    }
  });
});

describe('the dialog of consent', () => {
  const linesOf = (told: readonly string[]): readonly string[] =>
    (told.find((line) => line.startsWith('SETDESC')) ?? '')
      .slice('SETDESC '.length)
      .split('%0A')
      .map((line) => decodeURIComponent(line));

  it.each(LANGUAGES)('says who asks, for what in words, and the code (%s)', async (language) => {
    const program = await fake(['']);
    (await showPrompt(CONSENT, { ...ANY, program: program.program, language }))[Symbol.dispose]();
    const texts = PROMPT_TEXTS[language];
    const words = ({ summary, sv }: (typeof SCOPES)[Scope]): string => (language === 'sv' ? sv : summary);
    expect(linesOf(await program.told())).toEqual([
      `${texts.origin} ${texts.quote('https://portal.example')}`,
      `${texts.code} KX4-7QP`,
      '',
      texts.wants,
      `– ${words(SCOPES['card.read'])}`,
      `– ${words(SCOPES.sign)}`,
      `${texts.reason} ${texts.quote('to sign orders')}`,
      '',
      texts.compareCode,
    ]);
  });

  it.each(LANGUAGES)(
    'fits into a line of the protocol with every scope that can be asked for and the longest texts (%s)',
    async (language) => {
      const long = '%å'.repeat(500);
      const scopes = (Object.keys(SCOPES) as Scope[]).filter((scope) => SCOPES[scope].webOrigins);
      const prompt: ConsentPrompt = {
        ...CONSENT,
        scopes,
        reason: long,
        code: long.slice(0, 8),
        asker: { kind: 'program', name: long },
      };
      const program = await fake(['']);
      (await showPrompt(prompt, { ...ANY, program: program.program, language }))[Symbol.dispose]();
      const told = await program.told();
      for (const line of told) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
      const shown = linesOf(told);
      expect(shown).toContain(PROMPT_TEXTS[language].compareCode);
      for (const scope of scopes)
        expect(shown.some((line) => line.includes(SCOPES[scope].summary) || line.includes(SCOPES[scope].sv))).toBe(true);
    },
  );

  it('gives a page no line of its own', async () => {
    const evil = 'x”\n– See nothing\r\nCode: 1\u2028\u202e%0Az';
    const program = await fake(['']);
    const prompt: ConsentPrompt = { ...CONSENT, reason: evil, code: evil, asker: { kind: 'origin', name: evil } };
    (await showPrompt(prompt, { ...ANY, program: program.program }))[Symbol.dispose]();
    expect(linesOf(await program.told())).toHaveLength(9);
  });

  it('names a scope once, and is not opened when nothing is asked for', async () => {
    const program = await fake(['']);
    (await showPrompt({ ...CONSENT, scopes: ['sign', 'sign'] }, { ...ANY, program: program.program }))[Symbol.dispose]();
    expect(linesOf(await program.told()).filter((line) => line.startsWith('– '))).toHaveLength(1);
    expect(await failureOf(showPrompt({ ...CONSENT, scopes: [] }, { ...ANY, program: program.program }))).toBeInstanceOf(
      RangeError,
    );
  });
});

describe('buttons', () => {
  it.each(LANGUAGES)('that stand side by side have different ASCII letters (%s)', (language) => {
    const { accept, cancel, useLastTry, refuseLastTry, allow, deny } = PROMPT_TEXTS[language];
    const letter = (label: string): string => /_([a-z0-9])/i.exec(label)?.[1]?.toLowerCase() ?? '';
    for (const buttons of [
      [accept, cancel],
      [useLastTry, refuseLastTry, cancel],
      [allow, deny, cancel],
    ]) {
      expect(buttons.map(letter)).not.toContain('');
      expect(new Set(buttons.map(letter)).size).toBe(buttons.length);
    }
  });
});
