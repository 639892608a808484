/** portrait.check on portraits that are drawn, so that everything about them is known. */
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { mergePortraits } from '../../daemon/access/portrait-policy.ts';
import { checkPortrait, type PortraitCheck } from '../../daemon/documents/portrait/check-portrait.ts';
import { faceOf, type FacePoints } from '../../daemon/documents/portrait/geometry.ts';
import { PORTRAIT_RULES, type PortraitRule } from '../../daemon/documents/portrait/limits.ts';
import { readPortrait } from '../../daemon/documents/portrait/index.ts';
import { encodeJpeg, encodePng } from '../../drivers/images/convert.ts';
import type { Raster } from '../../drivers/images/image.ts';
import { openBench, outcomeOf, resultOf } from '../api/support.ts';
import { blurred, drawPortrait, type PortraitOptions } from '../support/portrait-picture.ts';
import type { Result } from '../../api-spec/methods/index.ts';

const OFFICE = mergePortraits([]);
const signal = AbortSignal.timeout(60_000);

function measure(raster: Raster, points?: FacePoints, rules = OFFICE) {
  const report = checkPortrait(raster, points && faceOf(points, raster), rules);
  const of = (rule: PortraitRule): PortraitCheck => {
    const check = report.checks.find(({ id }) => id === `portrait.${rule}`);
    if (!check) throw new Error(`${rule} is told of`);
    return check;
  };
  return { ...report, of };
}

function drawn(options?: PortraitOptions) {
  const { raster, points } = drawPortrait(options);
  return measure(raster, points);
}

describe('a portrait by the rules', () => {
  it('passes every one of them, each with its number, its unit and what it may be', () => {
    const { overall, checks } = drawn();
    expect(checks.filter(({ verdict }) => verdict !== 'passed')).toEqual([]);
    expect(overall).toBe('passed');
    expect(checks.map(({ id }) => id)).toEqual(PORTRAIT_RULES.map((rule) => `portrait.${rule}`));
    for (const { value, unit, min, max } of checks) {
      expect(value).toBeTypeOf('number');
      expect(unit).not.toBe('');
      expect(min ?? max).toBeTypeOf('number');
    }
  });

  it.each([540, 700, 1_080])('of %i pixels has the same millimetres, whatever its size', (height) => {
    const { of } = drawn({ height, eyesToChinMm: 16 });
    expect(of('eyesToChin').value).toBeCloseTo(16, 1);
    expect(of('resolution').value).toBeCloseTo((height * 25.4) / 45, 1);
  });

  it('is as sharp in one size as in another, and softer out of focus', () => {
    const [small, large] = [540, 1_080].map((height) => drawn({ height }).of('sharpness').value ?? 0);
    expect(small).toBeGreaterThan(60);
    expect(large).toBeGreaterThan(60);
    const { raster, points } = drawPortrait({ height: 1_080 });
    const soft = measure(blurred(blurred(raster, 14), 14), points).of('sharpness');
    expect(soft).toMatchObject({ verdict: 'failed', reason: 'too_low' });
    expect(soft.value).toBeLessThan((large ?? 0) / 5);
  });
});

describe('what is against a rule is told, with how far it is off', () => {
  it.each<[string, PortraitOptions, PortraitRule, string, number]>([
    ['13.5 mm from pupils to chin', { eyesToChinMm: 13.5 }, 'eyesToChin', 'too_low', 13.5],
    ['17.5 mm from pupils to chin', { eyesToChinMm: 17.5 }, 'eyesToChin', 'too_high', 17.5],
    ['a tilted head', { tilt: 10 }, 'tilt', 'too_high', 10],
    ['a head to one side', { eyesAt: { x: 0.42, y: 0.4 } }, 'centre', 'too_high', 8],
    ['eyes too low', { eyesAt: { x: 0.5, y: 0.55 }, eyesToChinMm: 14.5 }, 'eyeHeight', 'too_low', 45],
    ['a square picture', { width: 540 }, 'aspectRatio', 'too_high', 1],
    ['few pixels', { height: 450 }, 'resolution', 'too_low', 254],
    ['a grey ground', { ground: [180, 180, 180] }, 'backgroundWhiteness', 'too_low', 180],
    ['a blue ground', { ground: [215, 220, 250] }, 'backgroundColour', 'too_high', 35],
    ['a shadow on half of the ground', { groundRight: [200, 200, 200] }, 'backgroundEvenness', 'too_high', 50],
    ['light from one side', { rightLight: 1.4 }, 'lightDifference', 'too_high', 33],
    ['a face in the glare', { skin: [255, 255, 255] }, 'overexposed', 'too_high', 90],
    ['a face in the dark', { skin: [3, 3, 3] }, 'underexposed', 'too_high', 90],
  ])('%s', (_, options, rule, reason, value) => {
    const { overall, of } = drawn(options);
    expect(overall).toBe('failed');
    expect(of(rule)).toMatchObject({ verdict: 'failed', reason });
    expect(Math.abs((of(rule).value ?? 0) - value)).toBeLessThan(Math.max(1, value * 0.12));
  });

  it.each([
    [14, 'passed'],
    [17, 'passed'],
  ])('and %i mm from pupils to chin are not', (eyesToChinMm, verdict) => {
    const { raster } = drawPortrait({ height: 900 });
    const chin = 360 + (eyesToChinMm * 900) / 45;
    const points = { leftEye: { x: 270, y: 360 }, rightEye: { x: 430, y: 360 }, chin: { x: 350, y: chin } };
    expect(measure(raster, points).of('eyesToChin')).toMatchObject({ value: eyesToChinMm, verdict });
  });

  it.each([
    [240, 200, 180],
    [120, 80, 60],
    [60, 42, 34],
  ])('skin of any colour is none of that: %i, %i, %i', (red, green, blue) => {
    expect(drawn({ skin: [red, green, blue] }).overall).toBe('passed');
  });
});

describe('without points', () => {
  it('what hangs on them is not performed, and the whole does not pass', () => {
    const { overall, of } = measure(drawPortrait().raster);
    expect(overall).toBe('notPerformed');
    expect(of('eyesToChin')).toMatchObject({ verdict: 'notPerformed', reason: 'points_missing' });
    expect(of('eyesToChin').value).toBeUndefined();
    expect(of('backgroundWhiteness')).toMatchObject({ verdict: 'passed', value: 240 });
    expect(of('sharpness').verdict).toBe('passed');
  });

  it.each<[string, FacePoints]>([
    ['outside of the picture', { leftEye: { x: 270, y: 360 }, rightEye: { x: 430, y: 360 }, chin: { x: 350, y: 5_000 } }],
    [
      'with the eyes the wrong way round',
      { leftEye: { x: 430, y: 360 }, rightEye: { x: 270, y: 360 }, chin: { x: 350, y: 600 } },
    ],
    ['in one place', { leftEye: { x: 350, y: 360 }, rightEye: { x: 350, y: 360 }, chin: { x: 350, y: 360 } }],
    ['with the chin above the eyes', { leftEye: { x: 270, y: 360 }, rightEye: { x: 430, y: 360 }, chin: { x: 350, y: 100 } }],
  ])('or with points %s there is no face', (_, points) => {
    expect(faceOf(points, { width: 700, height: 900 })).toBeUndefined();
  });
});

describe('a policy', () => {
  it('has limits of its own, and may take the weight off a rule', () => {
    const { raster, points } = drawPortrait({ eyesToChinMm: 17.5 });
    expect(measure(raster, points, mergePortraits([{ limits: { eyesToChin: { max: 18 } } }])).overall).toBe('passed');
    const light = measure(raster, points, mergePortraits([{ informative: ['eyesToChin'] }]));
    expect(light.overall).toBe('passed');
    expect(light.of('eyesToChin').verdict).toBe('failed');
  });
});

describe('over the API', () => {
  it('a JPEG and a PNG of one portrait say the same', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const { raster, points } = drawPortrait({ height: 540 });
    for (const bytes of [await encodePng(raster, { signal }), await encodeJpeg(raster, { signal })]) {
      const params = { picture: { data: Buffer.from(bytes).toString('base64') }, points };
      const { overall, width, height, checks } = resultOf<Result<'portrait.check'>>(await api.call('portrait.check', params));
      expect({ overall, width, height }).toEqual({ overall: 'passed', width: 420, height: 540 });
      expect(checks.find(({ id }) => id === 'portrait.eyesToChin')?.value).toBeCloseTo(15.5, 1);
    }
  });

  it('a picture that says it has 200 megapixels is refused before anything of it is decoded', async () => {
    await using bench = await openBench();
    const bomb = pngOf(20_000, 10_000);
    expect(outcomeOf(await (await bench.socket()).call('portrait.check', { picture: { data: bomb.toString('base64') } }))).toBe(
      'picture_invalid',
    );
    await expect(readPortrait(bomb, { maxPixels: 12_000_000, signal })).rejects.toMatchObject({ problem: 'excessive' });
  });
});

/** A PNG without its pixels. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 0], 8);
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    magic,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
