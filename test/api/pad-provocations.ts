/** How each documented error of pads is provoked. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { PadUse } from '../../drivers/simulated/pads/desk.ts';
import { eventually, type Bench } from './support.ts';
import type { Provocation } from './provocation.ts';

const PAD = 'BENCHPAD1';
const ID = `wacom-stu-${PAD}`;
const digest = createHash('sha256').update('document').digest('base64');

/** Parameters with which each method of pads succeeds; a capture, while somebody signs. */
export const GOOD_PADS: Readonly<Partial<Record<MethodName, object>>> = {
  'pad.cancel': { pad: ID },
  'pad.capture': { content: { digest: { hash: 'sha256', value: digest } } },
  'pad.list': {},
  'pad.unwatch': { pad: ID },
  'pad.watch': { pad: ID },
  'simulation.usePad': { pad: PAD, act: 'plug' },
};

/** Waits until the pad can be written on. */
export async function usePad(bench: Bench, ...acts: readonly PadUse['act'][]): Promise<void> {
  await eventually('the capture', () => bench.pads.pads[0]?.state === 'capture');
  const how = { seed: 1, samples: 100, periodMs: 0, signal: AbortSignal.timeout(10_000) };
  for (const act of acts) await bench.pads.use(PAD, { act, ...how });
}

const during =
  (act: (bench: Bench) => Promise<unknown> | undefined): Provocation =>
  async ({ bench, call }) => {
    const outcome = call(undefined);
    await usePad(bench);
    await act(bench);
    return await outcome;
  };

export const PAD_PROVOCATIONS: Readonly<Partial<Record<MethodName, Readonly<Partial<Record<ErrorCode, Provocation>>>>>> = {
  'pad.cancel': { not_found: async ({ call }) => await call(undefined, { pad: 'nothing' }) },
  'pad.capture': {
    content_not_found: async ({ call }) => await call(undefined, { content: { upload: 'none' } }),
    not_found: async ({ call }) => await call(undefined, { pad: 'nothing' }),
    pad_biometric_unprotected: async ({ call }) => await call(undefined, { biometric: true }),
    pad_busy: async ({ bench, api, call }) => {
      const first = api.call('pad.capture', GOOD_PADS['pad.capture'] ?? {});
      await usePad(bench);
      const outcome = await call(undefined);
      await usePad(bench, 'cancel');
      await first;
      return outcome;
    },
    pad_cancelled: during((bench) => usePad(bench, 'cancel')),
    pad_failed: during(async (bench) => {
      const [pad] = bench.pads.pads;
      if (pad) pad.faults.wrongSession = true;
      await usePad(bench, 'write');
    }),
    pad_removed: during((bench) => usePad(bench, 'pull')),
    pad_screen_unfit: async ({ call }) => await call(undefined, { text: 'Villkor. '.repeat(200) }),
  },
  'pad.watch': { not_found: async ({ call }) => await call(undefined, { pad: 'nothing' }) },
  'simulation.usePad': { not_found: async ({ call }) => await call(undefined, { pad: 'nothing' }) },
};

export const PADS_NOT_PROVOKED: Readonly<Record<string, string>> = {
  'pad.capture contents_full': 'test/signing/contents.test.ts: it takes as much as the store holds',
  'pad.capture pad_limit_reached': 'test/pads/capture.test.ts: it takes 60,000 samples',
  'pad.list pad_failed': 'a library that does not load: the one in memory always does',
};
