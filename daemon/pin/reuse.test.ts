import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../apdu/secret.ts';
import { PinReuse } from './reuse.ts';

const key = { caller: 'page', card: 'card-1', reference: '80' };
const never = new AbortController().signal;
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function textOf(secret: Secret | undefined): string | undefined {
  return secret?.use((bytes) => Buffer.from(bytes).toString());
}

function keep(pins: PinReuse, removal = never, text = '739146'): void {
  using secret = Secret.fromText(text);
  pins.keep(key, secret, 1_000, removal);
}

describe('PinReuse', () => {
  it('gives copies: neither the one that was given nor one that was found is the one that is kept', () => {
    using pins = new PinReuse();
    keep(pins);
    const found = pins.find(key);
    expect(textOf(found)).toBe('739146');
    found?.[Symbol.dispose]();
    expect(textOf(pins.find(key))).toBe('739146');
  });

  it('ends with its time', () => {
    using pins = new PinReuse();
    keep(pins);
    vi.advanceTimersByTime(999);
    expect(pins.find(key)).toBeDefined();
    vi.advanceTimersByTime(1);
    expect(pins.find(key)).toBeUndefined();
  });

  it.each<[string, (pins: PinReuse, removal: AbortController) => void]>([
    ['the card', (_, removal) => removal.abort()],
    ['the power of the card', (pins) => pins.forgetCard('card-1')],
    ['its caller', (pins) => pins.forgetCaller('page')],
    ['being wrong', (pins) => pins.forget(key)],
    ['the daemon', (pins) => pins[Symbol.dispose]()],
  ])('ends with %s, and leaves no timer', (_, end) => {
    using pins = new PinReuse();
    const removal = new AbortController();
    keep(pins, removal.signal);
    end(pins, removal);
    expect(pins.find(key)).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is of its caller, card and PIN alone', () => {
    using pins = new PinReuse();
    keep(pins);
    for (const other of [{ caller: 'another' }, { card: 'card-2' }, { reference: '81' }])
      expect(pins.find({ ...key, ...other })).toBeUndefined();
    pins.forgetCaller('another');
    pins.forgetCard('card-2');
    expect(pins.find(key)).toBeDefined();
  });

  it('of a card that is gone already is not kept, and a later one takes the place of an earlier one', () => {
    using pins = new PinReuse();
    keep(pins, AbortSignal.abort());
    expect(pins.find(key)).toBeUndefined();
    keep(pins);
    keep(pins, never, '111222');
    expect(textOf(pins.find(key))).toBe('111222');
    expect(vi.getTimerCount()).toBe(1);
  });
});
