/**
 * Two traces that are checked in: today's kortd reads those cards with the recorded commands in the recorded order, and the same session recorded today
 * is the same trace. A change of what is sent to a card is seen here. `KORTD_RECORD=1` writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Trace } from '../../daemon/trace/entry.ts';
import { formatPieces, type Pieces } from '../../daemon/trace/notation.ts';
import { replayTrace } from '../../daemon/trace/replay.ts';
import { resendTrace } from '../../daemon/trace/resend.ts';
import { parseTrace } from '../../daemon/trace/text.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { loadScenario } from '../../drivers/simulated/scenario.ts';
import { openBench } from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import { eidCard, findPrivate, stopTrace, useEidCard } from './session.ts';

const FACTORY_PIN = '123456';
const digest = Buffer.alloc(32, 9).toString('base64');

/** The card of the office's administrator. */
async function officePivCard(): Promise<SimulatedCard> {
  await using scenario = await loadScenario('office');
  const card = scenario.cards.get('operator')?.card;
  if (!card) throw new Error('the office has a card of its operator');
  return card;
}

const SESSIONS = {
  eid: { card: () => Promise.resolve(eidCard()), use: useEidCard },
  piv: {
    card: officePivCard,
    use: async ({ client }: Parameters<typeof useEidCard>[0], card: string): Promise<void> => {
      await client.call('card.read', { card, refresh: true });
      await client.call('sign.digest', { card, keyReference: '9A', algorithm: 'ES256', digest, pin: FACTORY_PIN });
      await client.call('pin.verify', { card, pin: FACTORY_PIN });
    },
  },
};

const pathOf = (name: string): string => join(import.meta.dirname, `${name}.txt`);

async function record(name: keyof typeof SESSIONS): Promise<string> {
  await using bench = await openBench();
  await using station = await TestStation.open(bench);
  const client = await bench.client();
  await client.call('trace.start', {});
  await SESSIONS[name].use({ client, station }, await bench.insert(await SESSIONS[name].card()));
  return (await stopTrace(client, bench.dataFolder)).text;
}

/** Each transaction with its commands and status words: what is hidden, and lengths of signatures, differ from time to time. */
function sequenceOf({ entries }: Trace): readonly string[] {
  const shape = (pieces: Pieces): string => formatPieces(pieces).replaceAll(/\{[^}]*\}/g, '{}');
  return entries.flatMap((entry) => {
    if (entry.kind === 'begin') return [`for ${entry.purpose}`];
    if (entry.kind === 'end') return [entry.how];
    return entry.kind === 'exchange' ? [`${shape(entry.command)} → ${shape(entry.response ?? []).slice(-4)}`] : [];
  });
}

describe.each(['eid', 'piv'] as const)('the trace of a %s card', (name) => {
  it('recorded today has the same commands in the same order, and nothing private', async () => {
    const text = await record(name);
    if (process.env['KORTD_RECORD'] === '1') writeFileSync(pathOf(name), text);
    expect(findPrivate(text)).toEqual([]);
    expect(sequenceOf(parseTrace(text))).toEqual(sequenceOf(parseTrace(readFileSync(pathOf(name), 'utf8'))));
  });

  it('is what kortd sends to that card today', async () => {
    const text = readFileSync(pathOf(name), 'utf8');
    const reports = await replayTrace(parseTrace(text), new AbortController().signal);
    expect(reports.filter(({ outcome }) => outcome === 'different')).toEqual([]);
    expect(reports.filter(({ outcome }) => outcome === 'same').map(({ purpose }) => purpose)).toContain('card.read');
    expect(findPrivate(text)).toEqual([]);
  });

  it('with one command changed, left out or added is told from it', async () => {
    const lines = readFileSync(pathOf(name), 'utf8').split('\n');
    const at = lines.findIndex((line) => line.startsWith('> ')) + 4;
    const exchange = lines.slice(at, at + 2);
    const changed = [exchange[0]?.replace(/^> 00../, '> 00CA') ?? '', exchange[1] ?? ''];
    for (const lie of [changed, [], [...exchange, '> 0084000008', '< {9:8}9000']]) {
      const text = lines.toSpliced(at, 2, ...lie).join('\n');
      const [identify] = await replayTrace(parseTrace(text), new AbortController().signal);
      expect(identify, lie.join(' ')).toMatchObject({ purpose: 'identify', outcome: 'different', deviations: [{}] });
    }
  });
});

describe('every command of a trace', () => {
  const piv = (): Trace => parseTrace(readFileSync(pathOf('piv'), 'utf8'));
  const options = { which: undefined, signal: new AbortController().signal };

  it('is answered by the recorded card, whatever method it was for', async () => {
    const reports = await replayTrace(piv(), options.signal);
    expect(reports.filter(({ outcome }) => outcome === 'resent').map(({ purpose }) => purpose)).toEqual([
      'sign.digest',
      'pin.verify',
    ]);
  });

  it('goes to a simulated card, which answers as the recorded one did, up to a PIN that was not recorded', async () => {
    const reports = await resendTrace(piv(), await officePivCard(), options);
    expect(reports.map(({ purpose, outcome }) => [purpose, outcome])).toEqual([
      ['identify', 'same'],
      ['card.read', 'same'],
      ['sign.digest', 'beginning'],
      ['pin.verify', 'beginning'],
    ]);
  });

  it('shows what changed at the card', async () => {
    const card = await officePivCard();
    card.powerUp();
    await card.process(Uint8Array.from(Buffer.from('00A4040009A00000030800001000', 'hex')));
    await card.process(Uint8Array.from(Buffer.from(`0020008008${Buffer.from('999999').toString('hex')}FFFF`, 'hex')));
    const [first] = await resendTrace(piv(), card, options);
    expect(first).toMatchObject({ purpose: 'identify', outcome: 'different' });
    expect(first?.deviations[0]?.message).toMatch(/the card answered 63C2, recorded was 63C3$/);
  });

  it('that a card does not know is told as well', async () => {
    const text = readFileSync(pathOf('piv'), 'utf8').replace('> 00F8000000\n< {1:4}9000', '> 00F8000000\n< {1:5}9000');
    const [first] = await resendTrace(parseTrace(text), await officePivCard(), options);
    expect(first).toMatchObject({ outcome: 'different', deviations: [{ exchange: 2 }] });
  });
});
