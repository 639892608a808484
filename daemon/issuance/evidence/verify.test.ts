import { strToU8, zipSync, unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MANIFEST_FILE, MIMETYPE_FILE, SEAL_SIGNATURE_FILE } from './contents.ts';
import { buildContainer } from './container.ts';
import { encodeManifest } from './manifest.ts';
import { openSeal, type Seal } from './seal.ts';
import { SimulatedOffice } from './testing.ts';
import { verifyEvidence } from './verify.ts';
import { ZipFormatError, packZip, unpackZip, type ZipEntry } from './zip.ts';

let office: SimulatedOffice;
let seal: Seal;
let container: Uint8Array;
let vouched: Uint8Array;

beforeAll(async () => {
  office = new SimulatedOffice();
  seal = await openSeal({ folder: office.folder, now: () => new Date('2026-03-01T09:00:00Z') });
  container = await buildContainer(office.recordOf(await office.highest()), seal);
  vouched = await buildContainer(office.recordOf(await office.vouched()), seal);
});
afterAll(() => {
  office[Symbol.dispose]();
});

/** On a machine that does other things besides. */
const LONG_MS = 120_000;

const problemsOf = (bytes: Uint8Array): readonly string[] =>
  verifyEvidence(bytes, { seals: [seal.certificate] }).problems.map(({ code, file = '' }) => `${code} ${file}`.trim());
const entries = (): readonly ZipEntry[] => unpackZip(container).entries;
const contentOf = (name: string): Uint8Array => entries().find((one) => one.name === name)?.content ?? new Uint8Array();
const replaced = (name: string, content: Uint8Array): readonly ZipEntry[] =>
  entries().map((one) => (one.name === name ? { name, content } : one));

/** Sealed anew by the desk itself: nothing but what is in it can be wrong. */
async function resealed(changed: readonly ZipEntry[]): Promise<Uint8Array> {
  const own = new Set([MIMETYPE_FILE, MANIFEST_FILE, SEAL_SIGNATURE_FILE]);
  const listed = changed.filter(({ name }) => !own.has(name)).map((one) => ({ ...one, mediaType: 'text/plain' }));
  const manifest = encodeManifest(SEAL_SIGNATURE_FILE, listed);
  return packZip([
    { name: MIMETYPE_FILE, content: contentOf(MIMETYPE_FILE) },
    ...listed,
    { name: MANIFEST_FILE, content: manifest },
    { name: SEAL_SIGNATURE_FILE, content: await seal.sign(manifest, 'detached') },
  ]);
}

function hasFlaw(bytes: Uint8Array): boolean {
  try {
    return unpackZip(bytes).flaw !== undefined;
  } catch (error) {
    if (error instanceof ZipFormatError) return true;
    throw error;
  }
}

/** xorshift32 (Marsaglia, 2003): the same numbers in each run. */
function* numbers(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

describe('one changed byte is found', () => {
  it('wherever it is: 300 places drawn from two containers', { timeout: LONG_MS }, () => {
    const drawn = numbers(2_026);
    const missed: number[] = [];
    for (let count = 0; count < 300; count++) {
      const bytes = Uint8Array.from(count % 2 === 0 ? container : vouched);
      const offset = (drawn.next().value ?? 0) % bytes.length;
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << ((drawn.next().value ?? 0) % 8));
      if (problemsOf(bytes).length === 0) missed.push(offset);
    }
    expect(missed).toEqual([]);
  });

  it('also between the files and in the directory at the end: every byte that is in no file', { timeout: LONG_MS }, () => {
    const inFiles = new Set<number>();
    let offset = 0;
    for (const { name, content } of entries()) {
      offset += 30 + name.length;
      for (let at = offset; at < offset + content.length; at++) inFiles.add(at);
      offset += content.length;
    }
    const others = Array.from(container.keys()).filter((at) => !inFiles.has(at));
    const bytes = Uint8Array.from(container);
    const missed = others.filter((at) => {
      bytes[at] = (bytes[at] ?? 0) ^ 0x01;
      const found = hasFlaw(bytes);
      bytes[at] = (bytes[at] ?? 0) ^ 0x01;
      return !found;
    });
    expect(others.length).toBeGreaterThan(2_000);
    expect(hasFlaw(bytes)).toBe(false);
    expect(missed).toEqual([]);
  });

  it('and the file that it is in is named', () => {
    for (const { name, content } of entries()) {
      const changed = Uint8Array.from(content);
      changed[content.length >> 1] = (changed[content.length >> 1] ?? 0) ^ 0x20;
      const file = name === MANIFEST_FILE ? SEAL_SIGNATURE_FILE : name;
      expect(problemsOf(packZip(replaced(name, changed))).join('\n'), name).toContain(` ${file}`);
    }
  });
});

describe('a container is refused', () => {
  it('with a file more', () => {
    expect(problemsOf(packZip([...entries(), { name: 'more.txt', content: strToU8('x') }]))).toEqual(['file_unlisted more.txt']);
  });

  it('with a file less', () => {
    expect(problemsOf(packZip(entries().filter(({ name }) => name !== 'recorded/order.json')))).toEqual([
      'file_missing recorded/order.json',
    ]);
  });

  it('with a file under another name', () => {
    const renamed = entries().map((one) => (one.name === 'recorded/order.json' ? { ...one, name: 'recorded/order2.json' } : one));
    expect(problemsOf(packZip(renamed))).toEqual(['file_missing recorded/order.json', 'file_unlisted recorded/order2.json']);
  });

  it.each([MANIFEST_FILE, SEAL_SIGNATURE_FILE])('without %s', (missing) => {
    expect(problemsOf(packZip(entries().filter(({ name }) => name !== missing)))).toEqual([`file_missing ${missing}`]);
  });

  it('with an entry that comes twice', () => {
    const [first, second] = ['recorded/terms.json', 'recorded/order.json'];
    // The same length, so that only the directory and the header need the other name.
    const twice = Buffer.from(
      packZip(entries().map((one) => (one.name === first ? { ...one, name: 'recorded/OTHER.json' } : one))),
    );
    for (let at = twice.indexOf('recorded/OTHER.json'); at >= 0; at = twice.indexOf('recorded/OTHER.json'))
      twice.write(second, at);
    expect(problemsOf(twice)).toEqual([`container_invalid ${second}`]);
  });

  it('that is compressed, so that nothing can unpack into more than it is', () => {
    const bomb = zipSync({ [MIMETYPE_FILE]: new Uint8Array(200_000_000) }, { level: 1 });
    expect(bomb.length).toBeLessThan(2_000_000);
    expect(problemsOf(bomb)).toEqual(['container_invalid mimetype']);
  });

  it('whose directory names a larger file than there is', () => {
    const bytes = Buffer.from(container);
    const directory = bytes.indexOf('PK\x01\x02', 'latin1');
    bytes.writeUInt32LE(0xf0_00_00_00, directory + 20);
    bytes.writeUInt32LE(0xf0_00_00_00, directory + 24);
    expect(problemsOf(bytes)).toEqual(['container_invalid mimetype']);
  });

  it('with something before it, behind it, or between its files', () => {
    expect(problemsOf(Buffer.concat([Buffer.from('MZ'), container]))).not.toEqual([]);
    expect(problemsOf(Buffer.concat([container, Buffer.from('x')]))).not.toEqual([]);
    const unpacked = unzipSync(container);
    const mimetype = unpacked[MIMETYPE_FILE] ?? new Uint8Array();
    const commented = zipSync(
      { ...unpacked, [MIMETYPE_FILE]: [mimetype, { comment: 'hidden' }] },
      { level: 0, mtime: new Date(1980, 0, 1) },
    );
    expect(problemsOf(commented)).toEqual([expect.stringMatching(/^container_invalid/)]);
  });

  it('with names that lead out of it', () => {
    const evil = zipSync({ [MIMETYPE_FILE]: contentOf(MIMETYPE_FILE), '../evil': strToU8('x') }, { level: 0 });
    expect(problemsOf(evil)).toEqual(['container_invalid ../evil']);
  });

  it('with more files than any has', () => {
    const many = zipSync(Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`f${index}`, strToU8('x')])), {
      level: 0,
    });
    expect(problemsOf(many)).toEqual(['container_invalid']);
  });

  it.each([
    ['nothing', ''],
    ['text', 'no container'],
    ['an empty ZIP file', 'PK\x05\x06' + '\0'.repeat(18)],
  ])('that is %s', (_, bytes) => {
    expect(problemsOf(Buffer.from(bytes, 'latin1'))).not.toEqual([]);
  });

  it('that is sealed by another desk, unless that is trusted', async () => {
    using other = new SimulatedOffice();
    const stranger = await openSeal({ folder: other.folder, now: () => new Date('2026-03-01T09:00:00Z') });
    const foreign = await buildContainer(other.recordOf(await other.highest()), stranger);
    expect(problemsOf(foreign)).toEqual([`seal_untrusted ${SEAL_SIGNATURE_FILE}`]);
    expect(verifyEvidence(foreign, { seals: [stranger.certificate] }).problems).toEqual([]);
  });

  it('whose manifest declares entities', async () => {
    const manifest = Buffer.from('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>');
    const sealed = replaced(MANIFEST_FILE, manifest).map((one) => one);
    const signature = await seal.sign(manifest, 'detached');
    const bytes = packZip(sealed.map((one) => (one.name === SEAL_SIGNATURE_FILE ? { ...one, content: signature } : one)));
    expect(problemsOf(bytes)).toEqual([`container_invalid ${MANIFEST_FILE}`]);
  });
});

describe('a desk that seals what is not so is found out', () => {
  it('when the text of a statement is another', async () => {
    const bytes = await resealed(replaced('statements/ordered.txt', strToU8('I order everything')));
    expect(problemsOf(bytes)).toEqual(['statement_invalid statements/ordered.p7s']);
  });

  it('when a signature is somebody else’s', async () => {
    const bytes = await resealed(replaced('statements/ordered.p7s', contentOf('statements/reviewed.p7s')));
    expect(problemsOf(bytes)).toEqual(['statement_invalid statements/ordered.p7s']);
  });

  it('when a statement is added', async () => {
    const more = { name: 'statements/more.p7s', content: contentOf('statements/ordered.p7s') };
    expect(problemsOf(await resealed([...entries(), more]))).toEqual(['statement_invalid statements/more.p7s']);
  });

  it('when an entry of the journal is changed, or the last ones are left out', async () => {
    const journal = Buffer.from(contentOf('journal.jsonl')).toString('utf8');
    const changed = journal.replace('drivingLicence', 'passport');
    expect(changed).not.toBe(journal);
    expect(problemsOf(await resealed(replaced('journal.jsonl', strToU8(changed))))).toContain('journal_broken journal.jsonl');
    const cut = journal.split('\n').slice(0, -2).join('\n');
    expect(problemsOf(await resealed(replaced('journal.jsonl', strToU8(cut))))).toContain('journal_broken journal.jsonl');
  });

  it('when a record of the audit log is changed', async () => {
    const audit = Buffer.from(contentOf('audit.jsonl')).toString('utf8').replace('"ok"', '"failed"');
    expect(problemsOf(await resealed(replaced('audit.jsonl', strToU8(audit))))).toEqual(['audit_invalid audit.jsonl']);
  });

  it('and is left alone when all is so', async () => {
    expect(problemsOf(await resealed(entries()))).toEqual([]);
  });
});
