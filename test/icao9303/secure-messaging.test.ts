/** The worked examples of ICAO Doc 9303-11, appendices D.4 (Triple-DES) and, with the keys of G.1, AES. */
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { SecureMessagingError } from '../../apdu/errors.ts';
import { workedCard } from './worked-card.ts';
import type { CommandApdu } from '../../apdu/iso7816/command-apdu.ts';
import { withSecureMessaging, type SecureSession } from '../../apdu/secure-messaging/secure-messaging.ts';

const DES: SecureSession = {
  suite: '3DES',
  encryptionKey: parseHex('979EC13B1CBFE9DCD01AB0FED307EAE5'),
  macKey: parseHex('F1CB1F1FB5ADF208806B89DC579DC1F8'),
  sequenceCounter: parseHex('887022120C06C226'),
};
const AES: SecureSession = {
  suite: 'AES-128',
  encryptionKey: parseHex('F5F0E35C0D7161EE6724EE513A0D9A7F'),
  macKey: parseHex('FE251C7858B356B24514B3BD5F4297D1'),
  sequenceCounter: new Uint8Array(16),
};
const SELECT_COM: CommandApdu = { cla: 0, ins: 0xa4, p1: 0x02, p2: 0x0c, data: parseHex('011E') };
const SELECT_COM_SENT = '0CA4020C15 8709016375432908C044F6 8E08BF8B92D635FF24F8 00';
const SELECT_COM_ANSWER = '99029000 8E08FA855A5D4C50A8ED 9000';

describe('the worked example with Triple-DES', () => {
  it('is spoken byte for byte', async () => {
    const exchange = withSecureMessaging(
      workedCard(
        [SELECT_COM_SENT, SELECT_COM_ANSWER],
        ['0CB000000D 970104 8E08ED6705417E96BA55 00', '8709019FF0EC34F9922651 99029000 8E08AD55CC17140B2DED 9000'],
        [
          '0CB000040D 970112 8E082EA28A70F3C7B535 00',
          '871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A 99029000 8E08C8B2787EAEA07D74 9000',
        ],
      ).exchange,
      DES,
    );
    expect(await exchange(SELECT_COM)).toEqual({ data: new Uint8Array(0), statusWord: 0x9000 });
    const head = await exchange({ cla: 0, ins: 0xb0, p1: 0, p2: 0, ne: 4 });
    const rest = await exchange({ cla: 0, ins: 0xb0, p1: 0, p2: 4, ne: 18 });
    expect(formatHex(head.data) + formatHex(rest.data)).toBe('60145F0104303130365F36063034303030305C026175');
  });
});

describe('the worked example with AES', () => {
  it('is spoken byte for byte', async () => {
    const exchange = withSecureMessaging(
      workedCard(
        ['0CA4040C1D 871101752F676B09FAC86A87D632749A49C7CC 8E08C18BA1FCE707BD9F 00', '99029000 8E08BEA7B381C494A079 9000'],
        [
          '0CB09E000D 970104 8E080B677D403928060A 00',
          '871101645C0B1F998A088278D07942BBE94B60 99029000 8E0894A33C6AA2D8CCC8 9000',
        ],
      ).exchange,
      AES,
    );
    await exchange({ cla: 0, ins: 0xa4, p1: 0x04, p2: 0x0c, data: parseHex('A0000002471001') });
    const { data } = await exchange({ cla: 0, ins: 0xb0, p1: 0x9e, p2: 0, ne: 4 });
    expect(formatHex(data)).toBe('60145F01');
  });
});

describe('an answer that is not protected as it must be', () => {
  it.each([
    ['plain', '6988'],
    ['of success without protection', '9000'],
    ['without a code', '99029000 9000'],
    ['with a wrong code', SELECT_COM_ANSWER.replace('FA85', 'FA84')],
    ['with another status word than was authenticated', SELECT_COM_ANSWER.replace('99029000', '99026982')],
    ['that is no data objects', '87FF00 9000'],
  ])('%s ends the session', async (_, answer) => {
    const exchange = withSecureMessaging(workedCard([SELECT_COM_SENT, answer]).exchange, DES);
    await expect(exchange(SELECT_COM)).rejects.toThrow(SecureMessagingError);
    await expect(exchange(SELECT_COM)).rejects.toThrow(/is over/);
  });
});
