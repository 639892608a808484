/** A signature on the pad of the simulated desk `office`; what is long is cut short. */
import type { EventData } from '../events.ts';
import type { Result } from '../methods/index.ts';
import type { Pad } from '../pads.ts';

export const EXAMPLE_PAD: Pad = {
  id: 'wacom-stu-SIMPAD0001',
  driver: 'wacom-stu',
  model: 'STU-540',
  serialNumber: 'SIMPAD0001',
  firmware: '1.8',
  capabilities: {
    areaMm: { width: 108, height: 64.8 },
    screen: { widthPx: 800, heightPx: 480, colour: 'rgb888' },
    pressureLevels: 1_024,
    rateHz: 200,
    buttons: 'drawn',
    lineEncryption: 'aes-256 (rsa-2048)',
    timeSource: 'pad',
  },
  status: 'ready',
};

const capture = '0b7c5d0e-5b35-4f0f-8ad8-bd5b2f3f0e1c';

export const EXAMPLE_PEN: EventData<'pad.pen'> = {
  capture,
  pad: EXAMPLE_PAD.id,
  samples: [
    [118, 31.4, 38.2, 580, 0.5, 1],
    [119, 31.7, 38, 580, 0.5, 1],
  ],
};

export const EXAMPLE_CAPTURE: Result<'pad.capture'> = {
  capture,
  pad: { ...EXAMPLE_PAD, status: 'ready' },
  startedAt: '2026-03-02T08:15:02.114Z',
  endedAt: '2026-03-02T08:15:04.731Z',
  samples: 301,
  strokes: 3,
  durationMs: 1_502,
  lostSamples: 0,
  isComplete: true,
  replay: { verdict: 'new' },
  svg: { data: 'PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=', size: 41 },
  png: { data: 'iVBORw0KGgo=', size: 8 },
  evidence: {
    statement: '{"schema":"kortd.pad-signature/1"}',
    sha256: 'd2a6a3b6e7a1d4f0c1c0a9d1a4f4a5cbb31a7fb0f9c1f8a0f5a8e8f1e0b7c5d0',
    seal: 'MIIDVgYJKoZIhvcNAQcC',
  },
};
