import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.ts';

describe('Secret', () => {
  it.each<[string, (secret: Secret) => string]>([
    ['in a template', (secret) => `PIN ${String(secret)}`],
    ['joined to text', (secret) => ['', secret].join('')],
    ['as JSON', (secret) => JSON.stringify({ pin: secret })],
    ['inspected', (secret) => inspect({ pin: secret }, { depth: 9, showHidden: true })],
    ['formatted', (secret) => format('%s %o %j', secret, secret, secret)],
    ['in an error', (secret) => inspect(new Error('x', { cause: secret }))],
    ['by its keys', (secret) => `[secret]${JSON.stringify(Object.entries(secret))}${Reflect.ownKeys(secret).join('')}`],
  ])('prints [secret] %s, and never its bytes', (_, print) => {
    using secret = Secret.fromText('739218');
    const text = print(secret);
    expect(text).toContain('[secret]');
    expect(text).not.toMatch(/739218|55, ?51|3733/);
  });

  it('is wiped on disposal: the array taken over holds zeros', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const secret = Secret.take(bytes);
    secret[Symbol.dispose]();
    expect(bytes).toEqual(new Uint8Array(3));
  });

  it('lends nothing after it was wiped, and can be wiped again', () => {
    const secret = Secret.fromText('123456');
    secret[Symbol.dispose]();
    secret[Symbol.dispose]();
    expect(() => secret.use((bytes) => bytes.length)).toThrow('wiped');
    expect(() => secret.lengthBytes).toThrow('wiped');
    expect(() => secret.equals(secret)).toThrow('wiped');
  });

  it('lends the bytes that it was made of, and gives what the use gives', () => {
    using secret = Secret.fromText('Ä1');
    expect(secret.lengthBytes).toBe(3);
    expect(secret.use((bytes) => [...bytes])).toEqual([0xc3, 0x84, 0x31]);
  });

  it.each([
    ['123456', '123456', true],
    ['123456', '123457', false],
    ['123456', '1234567', false],
    ['', '', true],
  ])('holds %j equal to %j: %s', (left, right, equal) => {
    using mine = Secret.fromText(left);
    using other = Secret.fromText(right);
    expect(mine.equals(other)).toBe(equal);
  });
});
