/** Those modules of the page that need no browser, held against their counterparts here. test/browser/console.test.ts has the page itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENTRY_NAMES } from '../prompt/entered-pins.ts';
import { sanitise as sanitiseForDialog } from '../prompt/pinentry/sanitise.ts';
import { STATION_MESSAGE_BYTES, STATION_SUBPROTOCOL, takeEntries } from '../prompt/station-messages.ts';
import type { Prompt } from '../prompt/prompt.ts';
import { readPromptAssets, securityHeaders } from './assets.ts';
import { CLOSE_REPLACED, CLOSE_SESSION_OVER, GRACE_MS } from './sessions.ts';

const FOLDER = new URL('./page/', import.meta.url);
/** The page is plain JavaScript; what is used of it here is named here. */
const load = async (name: string): Promise<unknown> => await import(new URL(name, FOLDER).href);
type Range = { readonly min: number; readonly max: number };
const entries = (await load('entries.js')) as {
  readonly ENTRY_NAMES: readonly string[];
  readonly takeIntoMessage: (id: number, entries: readonly (readonly [string, Uint8Array])[]) => Uint8Array;
  readonly problemOf: (bytes: Uint8Array, range: Range) => string | undefined;
  readonly areEqual: (one: Uint8Array, other: Uint8Array) => boolean;
};
const { sanitise } = (await load('sanitise.js')) as {
  readonly sanitise: (text: string, options?: { readonly cut?: 'start' | 'end'; readonly max?: number }) => string;
};
const { TEXTS, chooseLanguage } = (await load('texts.js')) as {
  readonly TEXTS: Readonly<Record<'en' | 'sv', Readonly<Record<string, unknown>>>>;
  readonly chooseLanguage: (wanted: readonly string[]) => string;
};
const { stepsOf } = (await load('prompt-steps.js')) as {
  readonly stepsOf: (prompt: Prompt) => readonly { readonly kind: string }[];
};

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('entries', () => {
  it('arrive as they were typed, and leave no bytes behind', () => {
    const typed = [utf8('739146'), utf8('åäö-🔑-1'), utf8('12345678')] as const;
    const message = entries.takeIntoMessage(0xfffe_fffd, [
      ['pin', typed[0]],
      ['newPin', typed[1]],
      ['puk', typed[2]],
    ]);
    const { id, pins } = takeEntries(Buffer.from(message));
    expect(id).toBe(0xfffe_fffd);
    const arrived = [...pins.secrets].map(([name, secret]) => [name, secret.use((bytes) => Buffer.from(bytes).toString())]);
    expect(arrived).toEqual([
      ['pin', '739146'],
      ['newPin', 'åäö-🔑-1'],
      ['puk', '12345678'],
    ]);
    expect(typed.flatMap((bytes) => [...bytes]).every((byte) => byte === 0)).toBe(true);
    expect(entries.ENTRY_NAMES).toEqual(ENTRY_NAMES);
  });

  it('of the greatest length fit into a message', () => {
    const longest = (name: string): [string, Uint8Array] => [name, new Uint8Array(255).fill(0x31)];
    const message = entries.takeIntoMessage(1, ENTRY_NAMES.map(longest));
    expect(message.length).toBeLessThanOrEqual(STATION_MESSAGE_BYTES);
    expect(takeEntries(Buffer.from(message)).pins.secrets.get('puk')?.lengthBytes).toBe(255);
  });

  it.each([
    ['', { min: 4, max: 8 }, 'empty'],
    ['', { min: 0, max: 8 }, 'empty'],
    ['123', { min: 4, max: 8 }, 'length'],
    ['1234', { min: 4, max: 8 }, undefined],
    ['12345678', { min: 4, max: 8 }, undefined],
    ['123456789', { min: 4, max: 8 }, 'length'],
    ['åäöåä', { min: 4, max: 8 }, 'length'],
    ['åä', { min: 4, max: 8 }, undefined],
    ['1'.repeat(256), { min: 4, max: 1_000 }, 'length'],
  ])('%j within %j is judged by its bytes: %s', (text, range, problem) => {
    expect(entries.problemOf(utf8(text), range)).toBe(problem);
  });

  it('are equal byte for byte', () => {
    expect(entries.areEqual(utf8('1234'), utf8('1234'))).toBe(true);
    for (const other of ['', '123', '12345', '1235']) expect(entries.areEqual(utf8('1234'), utf8(other))).toBe(false);
  });
});

describe('words of others', () => {
  it.each([
    'https://portal.example',
    'sign an order',
    'two\nlines\r\n\tand \u2028more',
    '\u202eelpmaxe.live\u202c//:sptth',
    'zero\u200bwidth\u2060and\ufeffjoiner\u200d',
    'fillers\u3164\u115f\uffa0\u2800here',
    'o\u0301\u0302\u0303\u0304\u0305\u0306 heap',
    '“quoted” "so" «so» ＂so＂',
    'null\0 bell\x07 escape\x1b[31m',
    '\ud800 alone',
    'e\u0301 composed',
    '  around  ',
    'private \ue000 tag \u{e0041} unassigned \u0378',
  ])('%j stand here as in the dialog of pinentry', (text) => {
    expect(sanitise(text)).toBe(sanitiseForDialog(text));
  });

  it.each(['\u202e', '\u2066', '\u200f', '\u061c', '\u200b', '\u00ad', '\ufe0f', '\u0000', '\ue000'])(
    'lose the character %j',
    (character) => {
      expect(sanitise(`a${character}b`)).toBe('a?b');
    },
  );

  it('are cut where it is asked for, and never longer than that', () => {
    const host = `${'a.'.repeat(500)}evil.example`;
    expect(sanitise(host, { cut: 'start', max: 20 })).toBe('…a.a.a.a.evil.example'.slice(-20).replace(/^./, '…'));
    expect(sanitise(host, { cut: 'end', max: 5 })).toBe('a.a.…');
    expect(Array.from(sanitise('🔑'.repeat(500), { max: 10 }))).toHaveLength(10);
    expect(sanitise('x'.repeat(200))).toBe('x'.repeat(200));
  });
});

describe('steps', () => {
  const card = { asker: { kind: 'origin', name: 'https://a.example' }, card: 'c', purpose: 'p' } as const;
  const pin = { ...card, kind: 'pin', action: 'verify', pinLength: { min: 4, max: 8 } } as const;

  it.each([
    [{ ...pin, triesLeft: 3 }, ['enter']],
    [{ ...pin, triesLeft: 2 }, ['enter']],
    [{ ...pin, triesLeft: 1 }, ['confirm', 'enter']],
    [{ ...pin, triesLeft: 0 }, ['confirm', 'enter']],
    [pin, ['confirm', 'enter']],
    [{ ...pin, action: 'unblock', triesLeft: 1 }, ['confirm', 'enter']],
    [{ ...card, kind: 'lastTry', entry: 'pin' }, ['confirm']],
    [{ kind: 'consent', asker: card.asker, scopes: [], code: 'A' }, ['consent']],
  ] as readonly (readonly [Prompt, readonly string[]])[])('of %j are %j', (prompt, kinds) => {
    expect(stepsOf(prompt).map(({ kind }) => kind)).toEqual(kinds);
  });

  it.each([
    ['verify', [['pin', 4, false]]],
    [
      'change',
      [
        ['pin', 4, false],
        ['newPin', 4, true],
      ],
    ],
    [
      'unblock',
      [
        ['puk', 10, false],
        ['newPin', 4, true],
      ],
    ],
  ] as const)('to %s ask for %j', (action, wanted) => {
    const [step] = stepsOf({ ...pin, action, triesLeft: 3, pukLength: { min: 10, max: 12 } });
    const { fields } = step as unknown as { fields: readonly { name: string; range: Range; twice: boolean }[] };
    expect(fields.map(({ name, range, twice }) => [name, range.min, twice])).toEqual(wanted);
  });
});

describe('texts', () => {
  /** The names of everything in a text table, and what kind it is. */
  const shape = (value: unknown): unknown =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shape(inner)]))
      : typeof value;

  it('are there in both languages, none empty', () => {
    expect(shape(TEXTS.sv)).toEqual(shape(TEXTS.en));
    expect(JSON.stringify(TEXTS)).not.toContain('""');
  });

  it.each([
    [['sv-SE', 'en'], 'sv'],
    [['SV'], 'sv'],
    [['de', 'sv', 'en'], 'sv'],
    [['en-GB', 'sv'], 'en'],
    [['de-DE'], 'en'],
    [['svx'], 'en'],
    [[], 'en'],
  ])('for a person who reads %j are in %s', (wanted, language) => {
    expect(chooseLanguage(wanted)).toBe(language);
  });
});

describe('the page', () => {
  const connection = readFileSync(new URL('connection.js', FOLDER), 'utf8');

  it('knows the protocol by the same words and numbers', () => {
    expect(connection).toContain(`SUBPROTOCOL = '${STATION_SUBPROTOCOL}'`);
    expect(connection).toContain(`CLOSE_SESSION_OVER = ${CLOSE_SESSION_OVER};`);
    expect(connection).toContain(`CLOSE_REPLACED = ${CLOSE_REPLACED};`);
    expect(Number(/GRACE_MS = ([\d_]+);/.exec(connection)?.[1]?.replace('_', ''))).toBe(GRACE_MS);
  });

  it('makes no HTML, runs no text, and has no script or style in its markup', () => {
    const scripts = readdirSync(FOLDER).filter((name) => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(8);
    const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc/;
    for (const name of scripts) expect(readFileSync(new URL(name, FOLDER), 'utf8'), name).not.toMatch(forbidden);
    const markup = readFileSync(new URL('index.html', FOLDER), 'utf8');
    expect(markup).not.toMatch(/<script[^>]*>[^<]|<style|\sstyle=|\son\w+=|https?:\/\//);
  });

  it('is served with every module that it imports', () => {
    const assets = readPromptAssets();
    for (const [path, { type, body }] of assets) {
      if (!type.startsWith('text/javascript')) continue;
      for (const [, name = ''] of body.toString().matchAll(/^import .* from '\.(\/[\w.-]+)';$/gm))
        expect(assets.has(name), `${path} imports ${name}`).toBe(true);
    }
    expect(assets.get('/scopes.js')?.body.toString()).toContain('"sv":"Låta ett kort signera"');
  });

  it('allows itself nothing but its own origin', () => {
    const policy = securityHeaders('[::1]:27151')['content-security-policy'];
    expect(policy).toContain("connect-src 'self' ws://[::1]:27151;");
    expect(policy).not.toMatch(/unsafe|https?:|\*|data:|blob:/);
  });
});
