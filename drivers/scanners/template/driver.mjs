/**
 * A driver to begin with: it speaks kortd's protocol of vendors' programs (../README.md, "A driver of your own") and reads no device yet. What is to be filled in is
 * marked; the rest may stay. It needs Node alone: `kortd scanner conformance -- node driver.mjs` must pass at every step.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const DEVICE = {
  id: 'main',
  model: 'Template Scanner',
  serialNumber: 'T-1',
  status: 'ready',
  abilities: { mrz: true, lights: ['white'], chip: false, takesImages: false, verdicts: false },
};

let folder = '.';
const scans = new Map();

/** FILL IN: wait for a document, and read it. `signal` fires when the scan is given up: leave then, by throwing. */
async function readDocument(scan, signal) {
  progress(scan, 'waiting');
  await pause(20, signal);
  progress(scan, 'documentPresent');
  picture(scan, { id: 'page-white', kind: 'page', page: 0, light: 'white' }, PIXEL);
  progress(scan, 'removeDocument');
  return {
    outcome: 'complete',
    driverVersion: '1.0',
    device: { model: DEVICE.model, serial: DEVICE.serialNumber },
    mrz: { lines: ['P<UTOTESTSSON<<EVA<LINNEA<<<<<<<<<<<<<<<<<<<', 'T123456787UTO8002147F3001019198002141234<<14'] },
    checks: [],
  };
}

/** FILL IN: ask the device how it is. */
function health() {
  return { isWorking: true, version: '1.0' };
}

function send(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function progress({ id }, stage, light) {
  send({ type: 'progress', id, stage, ...(light ? { light } : {}) });
}

/** The file is whole when its message is sent; kortd takes it away. */
function picture({ id }, about, bytes) {
  const file = `scan${id}-${about.id}.png`;
  writeFileSync(join(folder, file), bytes);
  send({ type: 'image', id, image: { ...about, file } });
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(new Error('given up'))), { once: true });
  });
}

async function scan(request) {
  const controller = new AbortController();
  scans.set(request.id, controller);
  try {
    if (request.scanner !== DEVICE.id) send({ type: 'error', id: request.id, code: 'gone', message: 'no such scanner' });
    else send({ type: 'result', id: request.id, report: await readDocument(request, controller.signal) });
  } catch (error) {
    const code = controller.signal.aborted ? 'cancelled' : 'failed';
    send({ type: 'error', id: request.id, code, message: String(error.message) });
  } finally {
    scans.delete(request.id);
  }
}

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line);
    if (message.type === 'hello') {
      folder = message.folder;
      send({ type: 'ready', protocol: 1, name: 'template', version: '1.0' });
      send({ type: 'scanners', scanners: [DEVICE] });
    } else if (message.type === 'scan') void scan(message);
    else if (message.type === 'cancel') scans.get(message.id)?.abort();
    else if (message.type === 'health') send({ type: 'health', id: message.id, ...health() });
    else if (message.type === 'bye') process.exit(0);
  })
  .on('close', () => process.exit(0));
