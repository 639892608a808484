/** How each error of scanner.* is provoked: by the faults of the bench's simulated scanner. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { ScannerFault } from '../../drivers/simulated/scanners/driver.ts';
import { EXAMPLE_CONTENT } from '../../api-spec/generate/example-signatures.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import { resultOf } from './support.ts';
import type { Transport } from './transports.ts';
import type { Provocation } from './provocation.ts';

const scanner = 'bench.main';
const none = { scanner: 'nobody' };

function withScannerFault(fault: ScannerFault): Provocation {
  return async ({ bench, call }) => {
    bench.scanner.arm([fault]);
    return await call(undefined, { scanner });
  };
}

/** Of a scan that was made for it: parameters of the methods that look at one. */
export async function goodScan(api: Transport, method: MethodName): Promise<object | undefined> {
  if (!['scanner.get', 'scanner.picture', 'scanner.review'].includes(method)) return undefined;
  const { scan } = resultOf(await api.call('scanner.scan'));
  if (method !== 'scanner.picture') return { scan: scan.id };
  await api.call('scanner.review', { scan: scan.id });
  return { scan: scan.id, image: scan.images[0]?.id ?? '' };
}

/** By method and code. */
export const SCANNER_PROVOCATIONS: Readonly<Record<string, Readonly<Partial<Record<ErrorCode, Provocation>>>>> = {
  'scanner.cancel': { scanner_not_found: async ({ call }) => await call(undefined, none) },
  'scanner.get': { scan_not_found: async ({ call }) => await call(undefined, { scan: 'none' }) },
  'scanner.picture': {
    picture_invalid: async ({ api, call }) => {
      const { scan } = resultOf(await api.call('scanner.scan', { scanner }));
      await api.call('scanner.review', { scan: scan.id });
      return await call(undefined, { scan: scan.id, image: 'no-such-picture' });
    },
    scan_not_found: async ({ call }) => await call(undefined, { scan: 'none', image: 'none' }),
  },
  'scanner.review': { scan_not_found: async ({ call }) => await call(undefined, { scan: 'none' }) },
  'scanner.scan': {
    content_not_found: async ({ call }) => await call(undefined, { scanner, images: [{ image: { upload: 'none' } }] }),
    picture_invalid: async ({ call }) => await call(undefined, { scanner, images: [{ image: { data: EXAMPLE_CONTENT } }] }),
    scan_cancelled: async ({ bench, api, call }) => {
      bench.scanner.arm([{ kind: 'slow', at: 1, delayMs: 60_000 }]);
      const outcome = call(undefined, { scanner });
      while (!resultOf(await api.call('scanner.cancel', { scanner })).cancelled) await delay(5);
      return await outcome;
    },
    scanner_busy: withScannerFault({ kind: 'heldElsewhere', at: 1 }),
    scanner_failed: withScannerFault({ kind: 'garbage', at: 1 }),
    scanner_gone: withScannerFault({ kind: 'gone', at: 1, backAfterMs: 60_000 }),
    scanner_not_found: async ({ call }) => await call(undefined, none),
    scanner_timed_out: withScannerFault({ kind: 'noDocument', at: 1 }),
    scanner_unavailable: withScannerFault({ kind: 'serviceGone', at: 1 }),
    scanner_unlicensed: withScannerFault({ kind: 'unlicensed', at: 1 }),
  },
};
