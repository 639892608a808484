import { describe, expect, it } from 'vitest';
import { parseOrigin } from './origin.ts';

const rules = {
  developmentOrigins: ['http://localhost:3000'],
  extensionOrigins: ['chrome-extension://abcdefghijklmnopabcdefghijklmnop'],
};

describe('parseOrigin', () => {
  it.each([
    'https://app.example',
    'https://app.example:8443',
    'https://xn--krt-sna.example',
    'http://localhost:3000',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  ])('takes %s as it is', (text) => {
    expect(parseOrigin(text, rules)).toEqual({ origin: text });
  });

  it.each([
    ['null', 'null'],
    ['', 'malformed'],
    ['https://', 'malformed'],
    ['https://app.example/', 'malformed'],
    ['https://app.example:443', 'malformed'],
    ['https://APP.example', 'malformed'],
    ['https://user@app.example', 'malformed'],
    ['https://app.example, https://other.example', 'not ascii'],
    ['https://kört.example', 'not ascii'],
    ['https://app.example.', 'trailing dot'],
    ['https://127.0.0.1', 'ip address'],
    ['https://[::1]', 'ip address'],
    ['https://0x7f.1', 'ip address'],
    ['http://app.example', 'not https'],
    ['http://localhost:3001', 'not https'],
    ['file://', 'not https'],
    ['chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba', 'unknown extension'],
    [`https://${'a'.repeat(300)}.example`, 'malformed'],
  ])('refuses %j: %s', (text, refusal) => {
    expect(parseOrigin(text, rules)).toEqual({ refusal });
  });
});
