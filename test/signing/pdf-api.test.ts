/** sign.pdf and PDFs in signature.verify over the API, with simulated eID and PIV cards; what comes out is verified by pdfsig. */
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { benchAuthorities, createEidCard } from '../../drivers/simulated/cards/eid.ts';
import {
  INS,
  PIN,
  RpcSocket,
  WatchedCard,
  WRONG_PIN,
  openBench,
  outcomeOf,
  resultOf,
  watchedPivCard,
  type Bench,
} from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import { tool } from '../support/program.ts';
import { ONE_PAGE, samplePdf, samplePng, writePdf } from './pdf-files.ts';
import { TSA_EXTENSIONS, createPki, type Pki, type PkiKeyKind } from './pki.ts';
import { openTsa } from './tsa.ts';

let pki: Pki;
let nss: string;
const [eidRoot] = benchAuthorities();
const eidAnchor = Buffer.from(eidRoot?.certificate ?? new Uint8Array()).toString('base64');

beforeAll(async () => {
  pki = await createPki();
  nss = pki.path('nss');
  await mkdir(nss);
  await tool('certutil', ['-N', '-d', nss, '--empty-password']);
  const root = await pki.file('eid-root.der', eidRoot?.certificate ?? new Uint8Array());
  for (const [name, file] of [
    ['eid', root],
    ['piv', pki.root.certificateFile],
  ] as const)
    await tool('certutil', ['-A', '-d', nss, '-n', name, '-t', 'CT,C,C', '-i', file]);
}, 60_000);
afterAll(() => pki[Symbol.asyncDispose]());

async function pdfsig(pdf: Uint8Array): Promise<readonly string[]> {
  const said = await tool('pdfsig', ['-nssdir', nss, await pki.file('signed.pdf', pdf)]);
  return said.split(/^Signature #\d+:$/m).slice(1);
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

async function pivCard(kind: PkiKeyKind): Promise<ReturnType<typeof watchedPivCard>> {
  const { der, privateKey } = await pki.issue(`Piv ${kind}`, { kind });
  const key = { privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'), certificate: base64(der) };
  return watchedPivCard({ keys: { '9A': key, '9C': key } });
}

function textOf({ block }: { readonly block: string }): string {
  return Buffer.from(block.replace(/(?:00|ff)+$/i, ''), 'hex').toString();
}

/** An eID card: its id, and parameters with which its signature key signs. */
async function eidSigner(bench: Bench, persona: string, index: number): Promise<object> {
  const card = createEidCard({ persona });
  const id = await bench.insert(new WatchedCard(card), index);
  const { keys } = resultOf(await (await bench.socket()).call('card.read', { card: id }));
  const key = keys.find(({ usage }) => usage === 'signature');
  return { card: id, keyReference: key?.keyReference, pin: textOf(card.state().pins.underskrift) };
}

async function fetchContent(bench: Bench, id: string): Promise<Uint8Array> {
  const url = `http://127.0.0.1:${bench.port}/v1/contents/${id}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${bench.token}`, connection: 'close' } });
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
}

async function upload(bench: Bench, bytes: Uint8Array): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/contents?keep=true`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bench.token}`, 'content-type': 'application/octet-stream', connection: 'close' },
    body: Uint8Array.from(bytes),
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { content: string }).content;
}

describe('sign.pdf', () => {
  it('lets two eID cards and a PIV card sign one PDF after the other, and signature.verify tells of all three', async () => {
    await using bench = await openBench({ readers: [{}, {}, {}] });
    const api = await bench.socket();
    const signers = [
      await eidSigner(bench, 'anna', 0),
      await eidSigner(bench, 'bjorn', 1),
      {
        card: await bench.insert(await pivCard('RSA-2048'), 2),
        keyReference: '9C',
        pin: PIN,
        certificates: [base64(pki.sub.der)],
      },
    ];
    let pdf = await samplePdf();
    for (const [index, signer] of signers.entries()) {
      const visible = { page: 1, rectangle: { x: 60, y: 60 + 90 * index, width: 260, height: 70 }, language: 'sv' };
      const common = { pdf: { data: base64(pdf) }, reason: 'Kvittens', location: 'Örebro' };
      const result = resultOf(await api.call('sign.pdf', { ...signer, ...common, ...(index === 1 ? {} : { visible }) }));
      expect(result).toMatchObject({ field: `Signature${index + 1}` });
      pdf = Buffer.from(result.pdf ?? '', 'base64');
      expect(result.size).toBe(pdf.length);
    }
    const found = await pdfsig(pdf);
    expect(found).toHaveLength(3);
    for (const signature of found) {
      expect(signature).toContain('Signature Validation: Signature is Valid.');
      expect(signature).toContain('Certificate Validation: Certificate is Trusted.');
    }
    const trustAnchors = [eidAnchor, base64(pki.root.der)];
    const report = await api.call('signature.verify', {
      pdf: { data: base64(pdf) },
      trustAnchors,
    });
    expect(resultOf(report)).toMatchObject({
      verdict: 'valid',
      signers: [{ verdict: 'valid' }, { verdict: 'valid' }, { verdict: 'valid' }],
      signatures: [
        { field: 'Signature1', signer: 0, laterChanges: 'signatures', laterRevisions: 2, coversWholeFile: false },
        { field: 'Signature2', signer: 1, laterChanges: 'signatures', laterRevisions: 1, coversWholeFile: false },
        { field: 'Signature3', signer: 2, laterChanges: 'none', laterRevisions: 0, coversWholeFile: true, location: 'Örebro' },
      ],
    });
  });

  it.each(['P-256', 'P-384'] as const)('signs with a %s key on a PIV card, with a picture', async (kind) => {
    await using bench = await openBench();
    const card = await bench.insert(await pivCard(kind));
    const picture = { data: base64(await samplePng(60, 30)) };
    const visible = { rectangle: { x: 10, y: 10, width: 200, height: 50 }, picture };
    const params = {
      card,
      keyReference: '9C',
      pin: PIN,
      pdf: { data: base64(writePdf(ONE_PAGE)) },
      visible,
      certificates: [base64(pki.sub.der)],
    };
    const result = resultOf(await (await bench.socket()).call('sign.pdf', params));
    const [said] = await pdfsig(Buffer.from(result.pdf ?? '', 'base64'));
    expect(said).toContain('Certificate Validation: Certificate is Trusted.');
  });

  it('takes an upload of megabytes, and gives one out to fetch', async () => {
    await using bench = await openBench();
    const card = await bench.insert(await pivCard('P-256'));
    const filler = `<< /Length 12000000 >>\nstream\n${'x'.repeat(12_000_000)}\nendstream`;
    const content = await upload(bench, writePdf([...ONE_PAGE, filler]));
    const api = await bench.socket();
    const result = resultOf(
      await api.call('sign.pdf', {
        card,
        keyReference: '9C',
        pin: PIN,
        pdf: { upload: content },
        certificates: [base64(pki.sub.der)],
      }),
    );
    expect(result.pdf).toBeUndefined();
    const signed = await fetchContent(bench, result.content ?? '');
    expect(signed.length).toBe(result.size);
    const [said] = await pdfsig(signed);
    expect(said).toContain('Certificate Validation: Certificate is Trusted.');
    const report = await api.call('signature.verify', { pdf: { upload: result.content }, trustAnchors: [base64(pki.root.der)] });
    expect(resultOf(report)).toMatchObject({ verdict: 'valid', signatures: [{ coversWholeFile: true }] });
  });

  it('sends the card no PIN for a PDF that cannot be signed', async () => {
    await using bench = await openBench();
    const card = await pivCard('P-256');
    const id = await bench.insert(card);
    const api = await bench.socket();
    const good = writePdf(ONE_PAGE);
    for (const [changes, code] of [
      [{ pdf: { data: base64(Buffer.from('Hello')) } }, 'pdf_invalid'],
      [
        { pdf: { data: base64(good) }, visible: { page: 2, rectangle: { x: 0, y: 0, width: 90, height: 40 } } },
        'pdf_page_missing',
      ],
      [{ pdf: { data: base64(good) }, visible: { rectangle: { x: 290, y: 0, width: 90, height: 40 } } }, 'pdf_rectangle_invalid'],
      [{ pdf: { data: base64(good) }, reason: 'two\nlines' }, 'invalid_params'],
      [{ pdf: { data: base64(good) }, timeStamp: true }, 'time_stamp_unavailable'],
      [{ pdf: { upload: 'of-nobody' } }, 'content_not_found'],
    ] as const)
      expect(outcomeOf(await api.call('sign.pdf', { card: id, keyReference: '9C', pin: PIN, ...changes }))).toBe(code);
    expect(card.count(INS.verify, 'with data')).toBe(0);
    expect(card.count(INS.authenticate)).toBe(0);
  });

  it('gives out nothing when the PIN is wrong, or the key on the card is another', async () => {
    await using bench = await openBench();
    const pdf = { data: base64(writePdf(ONE_PAGE)) };
    const api = await bench.socket();
    const id = await bench.insert(await pivCard('P-256'));
    expect(outcomeOf(await api.call('sign.pdf', { card: id, keyReference: '9C', pin: WRONG_PIN, pdf }))).toBe('pin_rejected');
    const { der } = await pki.issue('Somebody else', { kind: 'P-256' });
    const { privateKey } = await pki.issue('Not them', { kind: 'P-256' });
    const key = { privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'), certificate: base64(der) };
    const other = await bench.insert(watchedPivCard({ keys: { '9C': key } }));
    expect(outcomeOf(await api.call('sign.pdf', { card: other, keyReference: '9C', pin: PIN, pdf }))).toBe('public_key_mismatch');
  });
});

describe('a time stamp in a PDF', () => {
  it('comes from the configured server, and is told by signature.verify', async () => {
    const authority = await pki.issue('Time', { kind: 'RSA-2048', extensions: TSA_EXTENSIONS });
    await using tsa = await openTsa(pki, authority);
    const policy = { timeStamp: { url: tsa.url, trustAnchors: [pki.root.certificateFile] } };
    await using bench = await openBench({ policy });
    const card = await bench.insert(await pivCard('P-256'));
    const api = await bench.socket();
    const params = { card, keyReference: '9C', pin: PIN, timeStamp: true, certificates: [base64(pki.sub.der)] };
    const result = resultOf(await api.call('sign.pdf', { ...params, pdf: { data: base64(writePdf(ONE_PAGE)) } }));
    expect(result.timeStamp?.authority).toContain('CN=Time');
    const [said] = await pdfsig(Buffer.from(result.pdf ?? '', 'base64'));
    expect(said).toContain('Signature Validation: Signature is Valid.');
    const trustAnchors = [base64(pki.root.der)];
    const report = await api.call('signature.verify', { pdf: { data: result.pdf ?? '' }, trustAnchors });
    expect(resultOf(report)).toMatchObject({
      verdict: 'valid',
      signers: [{ timeStamp: { verdict: 'valid' }, validity: { source: 'time_stamp', at: result.timeStamp?.time } }],
    });
    tsa.mood = 'refusing';
    expect(outcomeOf(await api.call('sign.pdf', { ...params, pdf: { data: result.pdf ?? '' } }))).toBe('time_stamp_failed');
  });
});

describe('a web page', () => {
  const PAGE = 'https://certificates.example';

  it('has a PDF signed by the signature key with a PIN that the person types, and not by the authentication key', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy: { origins: [{ origin: PAGE, scopes: ['sign'] }] } }));
    const card = await pivCard('P-256');
    const id = await bench.insert(card);
    const station = stack.use(await TestStation.open(bench));
    const page = stack.use(await openPage(bench));
    const pdf = { data: base64(writePdf(ONE_PAGE)) };
    expect(outcomeOf(await page.call('sign.pdf', { card: id, keyReference: '9A', pdf }))).toBe('key_not_for_web');
    expect(outcomeOf(await page.call('sign.pdf', { card: id, keyReference: '9C', pdf: { data: 'AAAA' } }))).toBe('pdf_invalid');
    expect(station.messages, 'nobody was asked').toHaveLength(0);
    const answer = page.call('sign.pdf', { card: id, keyReference: '9C', pdf });
    const { id: prompt, prompt: shown } = await station.prompt();
    expect(shown).toMatchObject({ asker: { name: PAGE }, task: { en: 'Signing the PDF', sv: 'Att signera PDF-filen' } });
    station.type(prompt, { pin: PIN });
    const [said] = await pdfsig(Buffer.from(resultOf(await answer).pdf ?? '', 'base64'));
    expect(said).toContain('Signature Validation: Signature is Valid.');
  });

  async function openPage(bench: Bench): Promise<RpcSocket> {
    const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/access/request`, {
      method: 'POST',
      headers: { origin: PAGE, 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ scopes: ['sign'] }),
    });
    const { token } = (await answer.json()) as { token: string };
    return await RpcSocket.open(bench.port, token, { origin: PAGE });
  }
});

describe('signature.verify', () => {
  it('wants a CMS or a PDF, and no content beside a PDF', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const pdf = { data: base64(writePdf(ONE_PAGE)) };
    for (const params of [{}, { pdf, cms: pdf }, { pdf, content: pdf }])
      expect(outcomeOf(await api.call('signature.verify', params))).toBe('invalid_params');
  });

  it('says of a PDF without signatures that there is nothing to tell', async () => {
    await using bench = await openBench();
    const report = await (await bench.socket()).call('signature.verify', { pdf: { data: base64(writePdf(ONE_PAGE)) } });
    expect(resultOf(report)).toEqual({ verdict: 'indeterminate', detached: true, signers: [], signatures: [] });
  });
});
