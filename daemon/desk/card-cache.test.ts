import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eidProfile } from '../../apdu/cards/eid.ts';
import type { TokenContents } from '../../apdu/token.ts';
import { CardCache, type CachedCard } from './card-cache.ts';

const ATR = Uint8Array.of(0x3b, 0x00);
const DAY_MS = 86_400_000;
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const contents = (size = 3): TokenContents => ({
  keys: [{ keyReference: '45', label: 'Legitimering', usage: 'authentication', pin: '01', pinPolicy: 'once' }],
  certificates: [{ keyReference: '45', der: new Uint8Array(size).fill(7) }],
});
const card = (serialNumber: string): CachedCard => ({ profile: eidProfile, serialNumber, atr: ATR });

describe('what is known of cards', () => {
  let folder: string;
  let now = 0;
  let isEnabled = true;
  const open = (): CardCache =>
    new CardCache({ file: join(folder, 'cards.sqlite'), isEnabled: () => isEnabled, log, now: () => now });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kortd-cards-'));
    now = 1_000 * DAY_MS;
    isEnabled = true;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is found again, also by the next process; not by another marker, number or ATR', () => {
    {
      using cache = open();
      cache.keep(card('1'), 'a', contents());
    }
    using cache = open();
    expect(cache.find(card('1'), 'a')).toEqual(contents());
    expect(cache.find(card('1'), 'b')).toBeUndefined();
    expect(cache.find(card('2'), 'a')).toBeUndefined();
    expect(cache.find({ ...card('1'), atr: Uint8Array.of(0x3b) }, 'a')).toBeUndefined();
    expect(cache.find(card('1'), undefined)).toBeUndefined();
    expect(statSync(join(folder, 'cards.sqlite')).mode & 0o777).toBe(0o600);
  });

  it('is kept of a card by its last marker alone, and not at all without one', () => {
    using cache = open();
    cache.keep(card('1'), 'a', contents());
    cache.keep(card('1'), 'b', contents(4));
    cache.keep(card('2'), undefined, contents());
    expect(cache.find(card('1'), 'a')).toBeUndefined();
    expect(cache.find(card('1'), 'b')).toEqual(contents(4));
    expect(cache.find(card('2'), undefined)).toBeUndefined();
  });

  it('is forgotten of exactly one card, or of all when it is not known which', () => {
    using cache = open();
    for (const serial of ['1', '2', '3']) cache.keep(card(serial), 'a', contents());
    cache.forget(card('1'));
    expect(['1', '2', '3'].map((serial) => cache.find(card(serial), 'a') !== undefined)).toEqual([false, true, true]);
    cache.forget({ atr: ATR });
    expect(['1', '2', '3'].map((serial) => cache.find(card(serial), 'a') !== undefined)).toEqual([false, false, false]);
  });

  it('is bounded in number and size, and goes when the card has not been seen for long', () => {
    using cache = open();
    for (let serial = 0; serial < 230; serial++) {
      now += 1;
      cache.keep(card(String(serial)), 'a', contents());
    }
    expect(cache.find(card('29'), 'a')).toBeUndefined();
    expect(cache.find(card('30'), 'a')).toEqual(contents());
    cache.keep(card('large'), 'a', contents(300_000));
    expect(cache.find(card('large'), 'a')).toBeUndefined();
    now += 60 * DAY_MS;
    expect(cache.find(card('30'), 'a')).toEqual(contents());
    now += 60 * DAY_MS;
    cache.keep(card('new'), 'a', contents());
    expect(cache.find(card('30'), 'a')).toEqual(contents());
    expect(cache.find(card('31'), 'a')).toBeUndefined();
  });

  it('is deleted when the policy does not let it be kept', () => {
    using cache = open();
    cache.keep(card('1'), 'a', contents());
    isEnabled = false;
    expect(cache.find(card('1'), 'a')).toBeUndefined();
    cache.applyPolicy();
    expect(() => statSync(join(folder, 'cards.sqlite'))).toThrow('ENOENT');
    cache.keep(card('1'), 'a', contents());
    isEnabled = true;
    expect(cache.find(card('1'), 'a')).toBeUndefined();
  });

  it('does not keep the daemon from reading cards when the file cannot be used', () => {
    using cache = new CardCache({ file: join(folder, 'none', 'cards.sqlite'), isEnabled: () => true, log });
    cache.keep(card('1'), 'a', contents());
    expect(cache.find(card('1'), 'a')).toBeUndefined();
  });
});
