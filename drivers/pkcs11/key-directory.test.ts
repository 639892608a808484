import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as ck from './constants.ts';
import { buildDirectory, referenceOf, type ModuleObject } from './key-directory.ts';

function elliptic(
  handle: string,
  id: readonly number[],
  options: { readonly raw?: boolean; readonly x?: number } = {},
): ModuleObject {
  let { x = '', y = '' } = newPoint();
  while (options.x !== undefined && Buffer.from(x, 'base64url')[0] !== options.x) ({ x = '', y = '' } = newPoint());
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const wrapped = options.raw ? point : Buffer.concat([Buffer.of(0x04, point.length), point]);
  return object(handle, ck.CKO_PUBLIC_KEY, id, [
    [ck.CKA_EC_PARAMS, Buffer.from('06082A8648CE3D030107', 'hex')],
    [ck.CKA_EC_POINT, wrapped],
  ]);
}

function newPoint(): { readonly x?: string; readonly y?: string } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
}

function object(
  handle: string,
  objectClass: number,
  id: readonly number[],
  more: readonly [number, Uint8Array][] = [],
): ModuleObject {
  return {
    handle,
    numbers: new Map([
      [ck.CKA_CLASS, objectClass],
      [ck.CKA_KEY_TYPE, ck.CKK_EC],
    ]),
    bytes: new Map<number, Uint8Array>([[ck.CKA_ID, Uint8Array.from(id)], ...more]),
  };
}

function referencesOf(...slots: readonly (readonly ModuleObject[])[]): readonly (readonly [string, number])[] {
  const { keys } = buildDirectory(slots.map((objects, slot) => ({ slot, objects })));
  return keys.map(({ keyReference, slot }) => [keyReference, slot] as const);
}

describe('keys', () => {
  it('are called by their CKA_ID, and later ones with the same by it and their number', () => {
    const found = referencesOf([elliptic('1', [0x45]), elliptic('2', [0x46])], [elliptic('3', [0x45]), elliptic('4', [0x45])]);
    expect(found).toEqual([
      ['45', 0],
      ['46', 0],
      ['4502', 1],
    ]);
  });

  it('that a module shows in every slot are one', () => {
    const key = elliptic('1', [0x45]);
    expect(referencesOf([key], [key])).toEqual([['45', 0]]);
  });

  it('have their point with an OCTET STRING around it or without', () => {
    for (const raw of [true, false]) {
      const [key] = buildDirectory([{ slot: 0, objects: [elliptic('1', [1], { raw })] }]).keys;
      expect(key?.algorithm).toBe('P-256');
      expect(key?.publicKey).toHaveLength(91);
    }
  });

  it('have a point that looks as if there were an OCTET STRING around it', () => {
    const length = 63; // what is left of 65 bytes behind a tag and a length
    const [key] = buildDirectory([{ slot: 0, objects: [elliptic('1', [1], { raw: true, x: length })] }]).keys;
    expect(key?.algorithm).toBe('P-256');
  });

  it('of two halves are one, and the public half is told of', () => {
    const publicKey = elliptic('1', [1]);
    const [key, ...others] = buildDirectory([{ slot: 0, objects: [object('2', ck.CKO_PRIVATE_KEY, [1]), publicKey] }]).keys;
    expect(others).toEqual([]);
    expect(key?.algorithm).toBe('P-256');
  });

  it('whose point is none are there, and their algorithm is not known', () => {
    const params = Buffer.from('06082A8648CE3D030107', 'hex');
    const broken = object(
      '1',
      ck.CKO_PUBLIC_KEY,
      [1],
      [
        [ck.CKA_EC_PARAMS, params],
        [ck.CKA_EC_POINT, new Uint8Array(65)],
      ],
    );
    const [key] = buildDirectory([{ slot: 0, objects: [broken] }]).keys;
    expect([key?.keyReference, key?.algorithm]).toEqual(['01', undefined]);
  });

  it('without a CKA_ID, or with one too long, have a name of fixed length', () => {
    expect(referenceOf(new Uint8Array(), 'a')).toMatch(/^[0-9A-F]{16}$/);
    expect(referenceOf(new Uint8Array(), 'a')).not.toBe(referenceOf(new Uint8Array(), 'b'));
    expect(referenceOf(new Uint8Array(61), '')).toMatch(/^[0-9A-F]{16}$/);
    expect(referenceOf(new Uint8Array(60), '')).toHaveLength(120);
  });
});
