/** What a card lets be done with an RSA key, from what it tells of its algorithms and of the key. */
import { describe, expect, it } from 'vitest';
import type { CardAlgorithm } from './card-information.ts';
import type { KeyObject } from './keys.ts';
import { abilitiesOf } from './rsa-blocks.ts';

const COMPUTE_SIGNATURE = 1;
const DECIPHER = 5;
const PKCS1 = 0x01;
const RAW = 0x03;
const [DECRYPT, SIGN, NON_REPUDIATION] = [1, 2, 9];

function row(mechanism: number, ...operations: readonly number[]): CardAlgorithm {
  return { reference: mechanism, mechanism, operations: new Set(operations), algorithmReference: mechanism };
}

function key(usage: readonly number[], fields: Partial<KeyObject> = {}): KeyObject {
  return { id: '45', label: '', family: 'rsa', usage: new Set(usage), isPrivate: true, algorithms: [], ...fields };
}

describe('a key', () => {
  it.each([
    [
      'of a card that names nothing is taken for one whose blocks are the host’s',
      key([DECRYPT, SIGN]),
      [],
      ['decipher', 'sign block'],
    ],
    ['is for what the card names', key([DECRYPT, SIGN]), [row(PKCS1, DECIPHER)], ['decrypt']],
    ['is for both ways of the card', key([DECRYPT]), [row(PKCS1), row(RAW)], ['decipher', 'decrypt']],
    ['signs blocks where the card says that it signs them', key([SIGN]), [row(RAW, COMPUTE_SIGNATURE)], ['sign block']],
    ['signs no blocks where the card only deciphers them', key([SIGN]), [row(RAW, DECIPHER)], []],
    [
      'that names its algorithms is for these',
      key([DECRYPT, SIGN], { algorithms: [PKCS1] }),
      [row(PKCS1), row(RAW)],
      ['decrypt'],
    ],
    ['for deciphering alone signs nothing', key([DECRYPT]), [row(RAW)], ['decipher']],
    ['for signatures that bind deciphers nothing', key([DECRYPT, NON_REPUDIATION]), [row(PKCS1), row(RAW)], ['sign block']],
    ['on a curve does none of it', key([DECRYPT, SIGN], { family: 'elliptic' }), [row(PKCS1), row(RAW)], []],
  ] as const)('%s', (_, object, algorithms, abilities) => {
    expect(abilitiesOf({ object, algorithms })).toEqual(abilities);
  });
});
