/** RSA of e-ID cards apart from signatures over digests: decryption with and without the card's own padding, blocks that were padded before. */
import { constants, createPublicKey, publicDecrypt, publicEncrypt, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AlgorithmNotSupportedError, CardDataError, SecurityStatusError } from '../../apdu/errors.ts';
import type { Token } from '../../apdu/token.ts';
import { secret } from './card-desk.ts';
import { EidDesk, type EidAtHand } from './eid-desk.ts';

const PINS = { legitimering: '123456', underskrift: '654321', puk: '12345678' };
const MESSAGE = Buffer.from('a session key');

/** Short commands over T=0, and extended ones; both tell their algorithms. */
describe.each([
  ['anna', '01', '02'],
  ['cecilia', '81', '82'],
])('the card of %s', (persona, pin, second) => {
  const withCard = async (work: (token: Token, key: KeyObject) => Promise<void>, isVerified = true): Promise<void> => {
    await new EidDesk({ card: { persona, pins: PINS } }).use(async ({ token }: EidAtHand) => {
      const { keys } = await token.contents();
      const [login, signature] = keys;
      expect([login?.abilities, signature?.abilities]).toEqual([['decipher', 'decrypt', 'sign block'], ['sign block']]);
      if (isVerified) await token.verifyPin(pin, secret(PINS.legitimering));
      await work(token, createPublicKey({ key: Buffer.from(login?.publicKey ?? []), format: 'der', type: 'spki' }));
    });
  };

  it('deciphers a block, and takes the padding off where it is asked to', async () => {
    await withCard(async (token, key) => {
      const cryptogram = publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, MESSAGE);
      const block = Buffer.from((await token.decipher?.('45', 'RSA-2048', cryptogram)) ?? []);
      expect([block.length, block[0], block[1], block.subarray(-MESSAGE.length)]).toEqual([256, 0, 2, MESSAGE]);
      expect(Buffer.from((await token.decrypt?.('45', 'RSA-2048', cryptogram)) ?? [])).toEqual(MESSAGE);
    });
  });

  it('tells of padding that does not hold by giving nothing', async () => {
    await withCard(async (token, key) => {
      const cryptogram = publicEncrypt({ key, oaepHash: 'sha256' }, MESSAGE);
      expect(await token.decrypt?.('45', 'RSA-2048', cryptogram)).toBeUndefined();
    });
  });

  it('signs a block as it is', async () => {
    await withCard(async (token, key) => {
      const block = Buffer.concat([Buffer.alloc(256 - MESSAGE.length), MESSAGE]);
      const signature = (await token.signBlock?.('45', 'RSA-2048', block)) ?? new Uint8Array();
      expect(publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)).toEqual(block);
    });
  });

  it('deciphers nothing without its PIN, of another length, or with the key for signatures', async () => {
    const cryptogram = new Uint8Array(256).fill(1);
    await withCard(async (token) => {
      await expect(token.decipher?.('45', 'RSA-2048', cryptogram)).rejects.toThrow(SecurityStatusError);
    }, false);
    await withCard(async (token) => {
      await expect(token.decipher?.('45', 'RSA-2048', cryptogram.subarray(1))).rejects.toThrow(CardDataError);
      await expect(token.signBlock?.('45', 'RSA-2048', cryptogram.subarray(1))).rejects.toThrow(CardDataError);
      await expect(token.decipher?.('45', 'RSA-2048', new Uint8Array(256).fill(0xff))).rejects.toThrow(CardDataError);
      await token.verifyPin(second, secret(PINS.underskrift));
      await expect(token.decipher?.('46', 'RSA-2048', cryptogram)).rejects.toThrow(AlgorithmNotSupportedError);
    });
  });
});
