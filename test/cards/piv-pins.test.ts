import { describe, expect, it } from 'vitest';
import {
  CardDataError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  PinBlockedError,
  PinFormatError,
  PinRejectedError,
} from '../../apdu/errors.ts';
import type { PinEntry, Token } from '../../apdu/token.ts';
import { DeviceCancelledError, DeviceError, DeviceTimeoutError } from '../../drivers/errors.ts';
import type { KeypadPrompt } from '../../drivers/simulated/keypad.ts';
import { PivDesk, secret, type DeskOptions } from './piv-desk.ts';

const PIN = '80';
const PUK = '81';
const PROFILES = ['yubikey', 'plain'] as const;

function desk(profile: 'yubikey' | 'plain', options: DeskOptions['card'] = {}): PivDesk {
  return new PivDesk({ card: { profile, ...options } });
}

describe.each(PROFILES)('PIN of a %s card', (profile) => {
  it('tells its tries without using one, and that it was verified', async () => {
    await desk(profile).use(async ({ token }) => {
      const label = 'PIV Card Application PIN';
      const fields = { reference: PIN, kind: 'pin', label, minLength: 6, maxLength: 8 };
      for (let round = 0; round < 5; round++)
        expect(await token.pin(PIN)).toMatchObject({ ...fields, attemptsRemaining: 3, verified: false });
      await token.verifyPin(PIN, secret('123456'));
      expect(await token.pin(PIN)).toMatchObject({ ...fields, verified: true });
      expect(await token.pins()).toMatchObject([fields, { reference: PUK, kind: 'puk', verified: false }]);
    });
  });

  it('counts down at every wrong entry, to blocked, and then takes the right one no more', async () => {
    await desk(profile, { pinAttempts: 5 }).use(async ({ token }) => {
      for (const attemptsRemaining of [4, 3, 2, 1]) {
        const outcome = token.verifyPin(PIN, secret('000000'));
        await expect(outcome).rejects.toThrow(PinRejectedError);
        await expect(outcome).rejects.toMatchObject({
          attemptsRemaining,
          statusWord: 0x63c0 + attemptsRemaining,
          instruction: 0x20,
        });
        expect((await token.pin(PIN)).attemptsRemaining).toBe(attemptsRemaining);
      }
      await expect(token.verifyPin(PIN, secret('000000'))).rejects.toMatchObject({ statusWord: 0x63c0, attemptsRemaining: 0 });
      const blocked = token.verifyPin(PIN, secret('123456'));
      await expect(blocked).rejects.toThrow(PinBlockedError);
      await expect(blocked).rejects.toMatchObject({ statusWord: 0x6983, attemptsRemaining: 0 });
      expect((await token.pin(PIN)).attemptsRemaining).toBe(0);
      await expect(token.changePin(PIN, secret('123456'), secret('654321'))).rejects.toThrow(PinBlockedError);
    });
  });

  it('has its tries back after a right entry, and is unverified after a wrong one', async () => {
    await desk(profile).use(async ({ token }) => {
      await expect(token.verifyPin(PIN, secret('000000'))).rejects.toThrow(PinRejectedError);
      await token.verifyPin(PIN, secret('123456'));
      expect((await token.pin(PIN)).verified).toBe(true);
      await expect(token.verifyPin(PIN, secret('000000'))).rejects.toMatchObject({ attemptsRemaining: 2 });
      expect(await token.pin(PIN)).toMatchObject({ verified: false, attemptsRemaining: 2 });
    });
  });

  it('is not verified for whoever comes next: a transaction that verified it ends with a reset', async () => {
    const cardDesk = desk(profile);
    await cardDesk.use(({ token }) => token.verifyPin(PIN, secret('123456')));
    expect(await cardDesk.use(({ token }) => token.pin(PIN))).toMatchObject({ verified: false });
  });

  it('changes by the old one, which is then wrong', async () => {
    const cardDesk = desk(profile);
    await cardDesk.use(({ token }) => token.changePin(PIN, secret('123456'), secret('87654321')));
    await cardDesk.use(async ({ token }) => {
      await expect(token.verifyPin(PIN, secret('123456'))).rejects.toMatchObject({ attemptsRemaining: 2 });
      await token.verifyPin(PIN, secret('87654321'));
    });
  });

  it('stays as it was when the old one is wrong, and that costs a try', async () => {
    await desk(profile).use(async ({ token }) => {
      const outcome = token.changePin(PIN, secret('000000'), secret('654321'));
      await expect(outcome).rejects.toThrow(PinRejectedError);
      await expect(outcome).rejects.toMatchObject({ attemptsRemaining: 2, instruction: 0x24 });
      await token.verifyPin(PIN, secret('123456'));
    });
  });

  it('is set anew by the PUK when blocked, with all its tries', async () => {
    await desk(profile).use(async ({ token }) => {
      await block(token);
      await token.unblockPin(PIN, secret('12345678'), secret('246810'));
      expect(await token.pin(PIN)).toMatchObject({ attemptsRemaining: 3, verified: false });
      await token.verifyPin(PIN, secret('246810'));
    });
  });
});

describe.each(PROFILES)('PUK of a %s card', (profile) => {
  it('counts down at every wrong entry, to blocked; the PIN then stays blocked', async () => {
    await desk(profile).use(async ({ token }) => {
      await block(token);
      for (const attemptsRemaining of [2, 1]) {
        const outcome = token.unblockPin(PIN, secret('00000000'), secret('246810'));
        await expect(outcome).rejects.toThrow(PinRejectedError);
        await expect(outcome).rejects.toMatchObject({ attemptsRemaining, instruction: 0x2c });
      }
      await expect(token.unblockPin(PIN, secret('00000000'), secret('246810'))).rejects.toThrow(PinBlockedError);
      const blocked = token.unblockPin(PIN, secret('12345678'), secret('246810'));
      await expect(blocked).rejects.toMatchObject({ name: 'PinBlockedError', statusWord: 0x6983, attemptsRemaining: 0 });
      expect((await token.pin(PIN)).attemptsRemaining).toBe(0);
    });
  });

  it('changes by the old one', async () => {
    await desk(profile).use(async ({ token }) => {
      await expect(token.changePin(PUK, secret('00000000'), secret('11111111'))).rejects.toMatchObject({ attemptsRemaining: 2 });
      await token.changePin(PUK, secret('12345678'), secret('11111111'));
      await token.unblockPin(PIN, secret('11111111'), secret('246810'));
      await token.verifyPin(PIN, secret('246810'));
    });
  });

  it('tells its tries where the card has metadata, and not elsewhere', async () => {
    await desk(profile, { pukAttempts: 7 }).use(async ({ token }) => {
      await expect(token.unblockPin(PIN, secret('00000000'), secret('246810'))).rejects.toThrow(PinRejectedError);
      const { attemptsRemaining, attemptsTotal, isDefault } = await token.pin(PUK);
      const expected = profile === 'yubikey' ? [6, 7, true] : [undefined, undefined, undefined];
      expect([attemptsRemaining, attemptsTotal, isDefault]).toEqual(expected);
    });
  });
});

describe('what is never sent to the card', () => {
  const FLOWS: readonly [string, (token: Token, entry: PinEntry) => Promise<void>][] = [
    ['VERIFY', (token, entry) => token.verifyPin(PIN, entry)],
    ['CHANGE, the old', (token, entry) => token.changePin(PIN, entry, secret('654321'))],
    ['CHANGE, the new', (token, entry) => token.changePin(PIN, secret('123456'), entry)],
    ['CHANGE of the PUK', (token, entry) => token.changePin(PUK, secret('12345678'), entry)],
    ['RESET RETRY COUNTER, the PUK', (token, entry) => token.unblockPin(PIN, entry, secret('654321'))],
    ['RESET RETRY COUNTER, the new', (token, entry) => token.unblockPin(PIN, secret('12345678'), entry)],
  ];
  const ENTRIES = [
    '',
    '1',
    '12345',
    '123456789',
    '1'.repeat(300),
    'åäöåäö',
    '12345\u007f',
    '\u0000\u0000\u0000\u0000\u0000\u0000',
  ];

  it.each(FLOWS)('is an entry of impossible length or characters: %s', async (_, run) => {
    const cardDesk = desk('yubikey');
    await cardDesk.use(async ({ token }) => {
      for (const entry of ENTRIES) {
        const sent = await cardDesk.count(() => expect(run(token, secret(entry)), entry).rejects.toThrow(PinFormatError));
        expect(sent, entry).toBe(0);
      }
      expect((await token.pin(PIN)).attemptsRemaining).toBe(3);
    });
  });

  it('is one entry as bytes and the other from the keypad', async () => {
    const cardDesk = new PivDesk({ keypad: () => '123456' });
    await cardDesk.use(async ({ token }) => {
      const sent = await cardDesk.count(() =>
        expect(token.changePin(PIN, secret('123456'), 'keypad')).rejects.toThrow(PinFormatError),
      );
      expect(sent).toBe(0);
    });
  });

  it.each<[string, (token: Token) => Promise<unknown>, new (message: string) => Error]>([
    ['a PUK to be verified', (token) => token.verifyPin(PUK, secret('12345678')), NotSupportedByCardError],
    ['a PUK to be unblocked', (token) => token.unblockPin(PUK, secret('12345678'), secret('12345678')), NotSupportedByCardError],
    ['a PIN that PIV has not', (token) => token.verifyPin('99', secret('123456')), ObjectNotFoundError],
    ['the status of such a PIN', (token) => token.pin('99'), ObjectNotFoundError],
    ['an entry from a keypad that is not there', (token) => token.verifyPin(PIN, 'keypad'), NotSupportedByCardError],
  ])('is %s', async (_, run, expected) => {
    const cardDesk = desk('yubikey');
    await cardDesk.use(async ({ token }) => {
      expect(await cardDesk.count(() => expect(run(token)).rejects.toThrow(expected))).toBe(0);
    });
  });
});

describe('what the card itself refuses', () => {
  it('is a PIN of letters on a plain card: no try is used', async () => {
    await desk('plain').use(async ({ token }) => {
      await expect(token.verifyPin(PIN, secret('abcdef'))).rejects.toMatchObject({ name: 'PinFormatError', statusWord: 0x6a80 });
      await expect(token.changePin(PIN, secret('123456'), secret('abcdef'))).rejects.toThrow(PinFormatError);
      expect((await token.pin(PIN)).attemptsRemaining).toBe(3);
    });
  });

  it('is the global PIN, where there is none', async () => {
    await desk('plain').use(async ({ token }) => {
      await expect(token.pin('00')).rejects.toThrow(ObjectNotFoundError);
      await expect(token.verifyPin('00', secret('123456'))).rejects.toThrow(ObjectNotFoundError);
    });
  });
});

describe('entry on the keypad', () => {
  const typing = (
    ...typed: readonly string[]
  ): { readonly script: (prompt: KeypadPrompt) => string; readonly prompts: KeypadPrompt[] } => {
    const prompts: KeypadPrompt[] = [];
    return { prompts, script: (prompt) => typed[prompts.push(prompt) - 1] ?? 'cancel' };
  };

  it('verifies: the card gets VERIFY with the digits over the padding, as the PC/SC example has it', async () => {
    const { script, prompts } = typing('123456');
    const cardDesk = new PivDesk({ keypad: script });
    await cardDesk.use(async ({ token }) => {
      await token.verifyPin(PIN, 'keypad');
      expect(cardDesk.commands.at(-1)).toBe('0020008008313233343536FFFF');
      expect((await token.pin(PIN)).verified).toBe(true);
    });
    expect(prompts).toEqual([{ asks: 'pin', minLength: 6, maxLength: 8, instruction: 0x20 }]);
  });

  it('tells the tries left after a wrong one', async () => {
    const cardDesk = new PivDesk({ keypad: typing('00000000').script });
    const outcome = cardDesk.use(({ token }) => token.verifyPin(PIN, 'keypad'));
    await expect(outcome).rejects.toMatchObject({ name: 'PinRejectedError', attemptsRemaining: 2 });
  });

  it('changes the PIN, old and new in their blocks', async () => {
    const { script, prompts } = typing('123456', '65432100', '65432100');
    const cardDesk = new PivDesk({ keypad: script });
    await cardDesk.use(({ token }) => token.changePin(PIN, 'keypad', 'keypad'));
    expect(cardDesk.commands.at(-1)).toBe('0024008010313233343536FFFF3635343332313030');
    expect(prompts.map(({ asks }) => asks)).toEqual(['pin', 'newPin', 'newPinAgain']);
  });

  it('unblocks the PIN, PUK and new PIN in their blocks', async () => {
    const cardDesk = new PivDesk({ keypad: typing('12345678', '246810', '246810').script });
    await cardDesk.use(({ token }) => token.unblockPin(PIN, 'keypad', 'keypad'));
    expect(cardDesk.commands.at(-1)).toBe('002C0080103132333435363738323436383130FFFF');
  });

  it.each([
    ['cancel is pressed', ['cancel'], DeviceCancelledError],
    ['nobody types', ['timeout'], DeviceTimeoutError],
    ['too few digits are typed', ['12345'], DeviceError],
    ['too many digits are typed', ['123456789'], DeviceError],
  ])('sends nothing to the card when %s', async (_, typed, expected) => {
    const cardDesk = new PivDesk({ keypad: typing(...typed).script });
    await cardDesk.use(async ({ token }) => {
      expect(await cardDesk.count(() => expect(token.verifyPin(PIN, 'keypad')).rejects.toThrow(expected))).toBe(0);
      expect((await token.pin(PIN)).attemptsRemaining).toBe(3);
    });
  });

  it('sends nothing to the card when the new PINs differ', async () => {
    const cardDesk = new PivDesk({ keypad: typing('123456', '222222', '222223').script });
    await cardDesk.use(async ({ token }) => {
      const sent = await cardDesk.count(() => expect(token.changePin(PIN, 'keypad', 'keypad')).rejects.toThrow(DeviceError));
      expect(sent).toBe(0);
    });
  });

  it('is a CardDataError when the answer is no response', async () => {
    const cardDesk = new PivDesk({ keypad: typing('123456').script });
    await cardDesk.use(async ({ token }) => {
      cardDesk.reader.arm([{ kind: 'truncate', at: 1, lengthBytes: 1 }]);
      await expect(token.verifyPin(PIN, 'keypad')).rejects.toThrow(CardDataError);
    });
  });
});

async function block(token: Token): Promise<void> {
  for (let round = 0; round < 2; round++) await expect(token.verifyPin(PIN, secret('000000'))).rejects.toThrow(PinRejectedError);
  await expect(token.verifyPin(PIN, secret('000000'))).rejects.toThrow(PinBlockedError);
}
