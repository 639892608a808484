/** PDFs as Chromium prints them, signed and verified: what office programs and browsers write is not what a test writes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chromium } from 'playwright-core';
import { finishPdf, preparePdf, signPrepared } from '../../daemon/signing/pdf/sign-pdf.ts';
import { verifyPdf } from '../../daemon/signing/pdf/verify-pdf.ts';
import { signWith } from '../signing/card-key.ts';
import { createPki } from '../signing/pki.ts';
import { tool } from '../support/program.ts';

const PAGE =
  '<h1>Kvittens på åäö</h1><form>Namn <input value="Anna Åberg"></form><p style="page-break-before: always">Sida två</p>';

it.each([
  ['tagged, with an outline', { tagged: true, outline: true }],
  ['plain, on its side', { landscape: true }],
])(
  'a page that Chromium prints (%s) takes two signatures',
  async (_, options) => {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'kortd-print-'));
    stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    stack.defer(() => browser.close());
    const page = await browser.newPage();
    await page.setContent(PAGE);
    const printed = new Uint8Array(await page.pdf({ format: 'A4', ...options }));
    const pki = stack.use(await createPki());
    const person = await pki.issue('Person', { kind: 'RSA-2048' });
    const signer = { certificate: person.der, chain: [pki.sub.der], algorithm: 'RS256' } as const;
    const signal = AbortSignal.timeout(30_000);
    let pdf: Uint8Array = printed;
    for (const y of [60, 160]) {
      const visible = { page: 2, rectangle: { x: 60, y, width: 240, height: 60 }, language: 'sv' } as const;
      const ready = await preparePdf(pdf, { signer, visible, time: new Date(), hasTimeStamp: false }, signal);
      ({ bytes: pdf } = await finishPdf(ready, await signPrepared(ready, signWith(pki, person, 'RS256')), signal));
    }
    expect(Buffer.from(pdf.subarray(0, printed.length)).equals(printed)).toBe(true);
    expect(verifyPdf(pdf, { anchors: [pki.root.der] })).toMatchObject({ verdict: 'valid', signatures: [{}, {}] });
    const file = join(folder, 'signed.pdf');
    await writeFile(file, pdf);
    const said = await tool('pdfsig', [file]);
    expect(said.match(/Signature is Valid/g)).toHaveLength(2);
    const text = await tool('pdftotext', ['-f', '2', '-l', '2', file, '-']);
    expect(text).toContain('Sida två');
    expect(text.match(/Undertecknat av Person/g)).toHaveLength(2);
  },
  120_000,
);
