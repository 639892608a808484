/** Whole documents, read from the simulated chip as from a real one: opened, every file, and the proof that the chip is no copy. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openChannel } from '../../apdu/card-channel.ts';
import type { DocumentAccess, OpenDocument, ReadProgress } from '../../apdu/icao9303/document.ts';
import { CardDataError, ChipNotGenuineError, DocumentAccessError, NotSupportedByCardError } from '../../apdu/errors.ts';
import {
  parseCommonData,
  parseDataGroup1,
  parseDataGroup11,
  parseDataGroup12,
  parseDataGroup7,
} from '../../apdu/icao9303/data-groups.ts';
import { parseDataGroup2 } from '../../apdu/icao9303/facial-image.ts';
import { isTravelDocument } from '../../apdu/icao9303/find-document.ts';
import { openTravelDocument } from '../../apdu/icao9303/travel-document.ts';
import { createEmrtdCard, type EmrtdCardOptions } from '../../drivers/simulated/cards/emrtd.ts';

interface Reading {
  readonly document: OpenDocument;
  readonly exchanges: () => number;
  readonly progress: readonly ReadProgress[];
}

type Access = 'can' | 'mrz' | DocumentAccess;

async function open(options: EmrtdCardOptions, access: Access = 'mrz', supportsExtendedLength = true): Promise<Reading> {
  const card = createEmrtdCard(options);
  let exchanges = 0;
  const connection = {
    atr: card.atr,
    supportsExtendedLength,
    transmit: async (command: Uint8Array) => {
      exchanges++;
      return await card.process(command);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const channel = openChannel(connection);
  expect(await isTravelDocument(channel)).toBe(true);
  const { printed } = card;
  const progress: ReadProgress[] = [];
  const given: DocumentAccess =
    access === 'mrz'
      ? { kind: 'mrz', information: printed.mrzInformation }
      : access === 'can'
        ? { kind: 'can', number: printed.can ?? '' }
        : access;
  const document = await openTravelDocument(channel, {
    access: given,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    onProgress: (step) => progress.push(step),
  });
  return { document, exchanges: () => exchanges, progress };
}

/** Every way that the document has. */
async function prove(document: OpenDocument): Promise<readonly string[]> {
  const [DG14, DG15] = [await document.read('DG14'), await document.read('DG15')];
  const proofs = document.mapping && !document.mapping.problem ? ['mapping'] : [];
  if (DG15) {
    await document.challengeChip({ DG14, DG15 });
    proofs.push('signature');
  }
  if (DG14 && (await document.agreeWithChip({ DG14 }))) proofs.push('agreement');
  return proofs;
}

describe('every persona', () => {
  it.each([
    ['anna', 'mrz', 'PACE', ['agreement'], 'Lindqvist, Anna Maria', 'image/jpeg'],
    ['bjorn', 'can', 'PACE', ['mapping', 'agreement'], 'Åkesson, Björn', 'image/jpeg'],
    ['cecilia', 'mrz', 'BAC', ['signature'], 'Öberg, Cecilia Elisabet', 'image/jpeg'],
    ['david', 'mrz', 'PACE', ['signature', 'agreement'], 'Ek, David', 'image/jp2'],
    ['specimen', 'mrz', 'PACE', ['agreement'], 'Eriksson, Anna Maria', 'image/jpeg'],
  ] as const)('%s is opened by %s with %s, read whole, and has a chip that proves itself by %s', async (...row) => {
    const [persona, access, protocol, proof, name, mediaType] = row;
    for (const isExtended of [true, false]) {
      const { document, progress } = await open({ persona }, access, isExtended);
      expect(document.protocol).toBe(protocol);
      const file = async (which: Parameters<OpenDocument['read']>[0]): Promise<Uint8Array> => {
        const read = await document.read(which);
        if (read) return read;
        throw new Error(`${which} is not there`);
      };
      const mrz = parseDataGroup1(await file('DG1'));
      expect(mrz.isConsistent).toBe(true);
      const [portrait] = parseDataGroup2(await file('DG2'));
      expect(portrait?.mediaType).toBe(mediaType);
      expect(parseDataGroup7(await file('DG7'))).toHaveLength(1);
      expect(parseDataGroup11(await file('DG11')).fullName?.toUpperCase()).toBe(name.toUpperCase());
      expect(parseDataGroup12(await file('DG12')).issueDate).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(parseCommonData(await file('EF.COM')).groups).toContain('DG2');
      expect((await file('EF.SOD')).length).toBeGreaterThan(1_000);
      expect(await document.read('DG16')).toBeUndefined();
      expect(await document.read('DG3')).toBeUndefined();
      const last = progress.findLast((step) => step.file === 'DG2');
      expect(last?.readBytes).toBe(last?.totalBytes);
      expect(await prove(document)).toEqual(proof);
      // What was agreed on last is what is spoken from then on.
      expect(await document.read('DG1')).toBeDefined();
    }
  });
});

describe('what is not the document’s', () => {
  it.each([
    ['anna', { kind: 'mrz', information: 'X12345678974081221204159' }],
    ['cecilia', { kind: 'mrz', information: 'X12345678974081221204159' }],
    ['bjorn', { kind: 'can', number: '000000' }],
    ['anna', { kind: 'can', number: '123456' }],
  ] as const)('opens none: %s', async (persona, access) => {
    await expect(open({ persona }, access)).rejects.toThrow(DocumentAccessError);
  });

  it('is a card number, for one that opens by its zone alone', async () => {
    await expect(open({ persona: 'cecilia' }, { kind: 'can', number: '123456' })).rejects.toThrow(NotSupportedByCardError);
  });
});

describe('a chip that is a copy', () => {
  it.each([
    ['of one with chip authentication', { persona: 'anna' }],
    ['of one with chip authentication by Triple-DES', { persona: 'david' }],
    ['of one with active authentication', { persona: 'cecilia' }],
  ])('%s does not prove itself', async (_, options) => {
    const { document } = await open({ ...options, defects: ['cloned chip'] });
    await expect(prove(document)).rejects.toThrow(ChipNotGenuineError);
  });

  it.each([
    ['with the security file of another', 'wrong card security', ChipNotGenuineError],
    ['without a security file', 'no card security', CardDataError],
  ] as const)('of one whose mapping proves it, %s, is told, and can be read', async (_, defect, error) => {
    const { document } = await open({ persona: 'bjorn', defects: [defect] }, 'can');
    expect(document.mapping?.problem).toBeInstanceOf(error);
    expect(await document.read('DG1')).toBeDefined();
  });
});

describe('a file', () => {
  it('that says that it is longer than it is, is told so', async () => {
    const { document } = await open({ persona: 'anna', defects: ['length over file'] });
    await expect(document.read('DG2')).rejects.toThrow(CardDataError);
  });

  it('with a portrait of 20 kB takes few exchanges, and with short lengths as many as its bytes want', async () => {
    for (const [isExtended, most] of [
      [true, 60],
      [false, 40 + Math.ceil(26_000 / 223)],
    ] as const) {
      const { document, exchanges } = await open({ persona: 'anna', portraitBytes: 20_000 }, 'mrz', isExtended);
      for (const name of ['EF.COM', 'EF.SOD', 'DG1', 'DG2', 'DG14'] as const) expect(await document.read(name)).toBeDefined();
      expect(await prove(document)).toEqual(['agreement']);
      expect(exchanges()).toBeLessThanOrEqual(most);
    }
  });
});
