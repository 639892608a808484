import { describe, expect, it } from 'vitest';
import * as ck from '../constants.ts';
import { generatingMechanisms } from './generating.ts';
import { placeForKey } from './places.ts';

const abilities = {
  ...{ hasManagementKey: false, deletesKeys: true, addsCertificates: true, renames: true },
  hasOpenPlaces: true,
};
const contents = { keys: [], certificates: [] };
const token = (isFirst: boolean) => ({
  ...{ insertion: '1', label: '', manufacturer: '', model: '', serialNumber: '' },
  ...{ pin: isFirst ? '01' : '02', isFirst, hasKeypad: false },
});
const placeIn = (isFirst: boolean): string =>
  placeForKey(
    { algorithm: 'P-256', id: Uint8Array.of(0x45), signs: true, agrees: false, isGuarded: false },
    {
      slot: { id: 7, description: '', manufacturer: '', token: token(isFirst) },
      reading: {
        pin: { reference: '01', kind: 'pin', label: '', minLength: 4, maxLength: 8, verified: false },
        contents,
        abilities,
      },
      abilities,
    },
  );

describe('a card behind a module with two PINs', () => {
  it('makes new keys in its first token, and says so', () => {
    expect(placeIn(true)).toBe('45');
    expect(generatingMechanisms(contents, { token: token(true), abilities }).map(([type]) => type)).toEqual([
      ck.CKM_RSA_PKCS_KEY_PAIR_GEN,
      ck.CKM_EC_KEY_PAIR_GEN,
    ]);
  });

  it('is asked for none in the other, where its program would not find it', () => {
    expect(() => placeIn(false)).toThrow(expect.objectContaining({ value: ck.CKR_FUNCTION_NOT_SUPPORTED }));
    expect(generatingMechanisms(contents, { token: token(false), abilities })).toEqual([]);
  });
});
