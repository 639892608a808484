import { describe, expect, it } from 'vitest';
import { EXAMPLE_PAD } from '../../../../../api-spec/generate/example-pads.ts';
import type { EventData, EventName } from '../../../../../api-spec/events.ts';
import type { AnyEvent } from '../../topic.ts';
import { applyToPads, padsTopic, type PadsState } from './pads-state.ts';

const EMPTY: PadsState = { pads: new Map(), ink: new Map(), revision: 0 };
const { id } = EXAMPLE_PAD;

const event = <N extends EventName>(name: N, data: EventData<N>): AnyEvent =>
  ({ sequence: 1, time: '2026-03-02T08:15:00.000Z', name, data }) as unknown as AnyEvent;
const pen = (capture: string, number: number): AnyEvent =>
  event('pad.pen', { capture, pad: id, samples: [[number, 1, 1, 0, 0.5, 1]] });
const capturing = (capture: string): AnyEvent => event('pad.changed', { pad: { ...EXAMPLE_PAD, status: 'capturing' }, capture });

describe('pads as events change them', () => {
  it('come, change and go', () => {
    const added = applyToPads(EMPTY, [event('pad.added', { pad: EXAMPLE_PAD })]);
    expect([...added.pads.keys()]).toEqual([id]);
    expect(applyToPads(added, [capturing('one')]).pads.get(id)?.status).toBe('capturing');
    const gone = applyToPads(applyToPads(added, [pen('one', 1)]), [event('pad.removed', { pad: id })]);
    expect([gone.pads.size, gone.ink.size]).toEqual([0, 0]);
  });

  it('keep the ink of their latest capture, also when that has ended, until the next begins', () => {
    const written = applyToPads(EMPTY, [capturing('one'), pen('one', 1), pen('one', 2)]);
    expect(written.ink.get(id)?.length).toBe(2);
    const ended = applyToPads(written, [event('pad.changed', { pad: EXAMPLE_PAD, capture: 'one' })]);
    expect(ended.ink.get(id)?.length).toBe(2);
    expect(applyToPads(ended, [capturing('two')]).ink.get(id)).toBeUndefined();
    expect(applyToPads(ended, [pen('two', 1)]).ink.get(id)?.capture).toBe('two');
  });

  it('change their revision, so that what grows in place is drawn', () => {
    const once = applyToPads(EMPTY, [pen('one', 1)]);
    const twice = applyToPads(once, [pen('one', 2)]);
    expect(twice.ink.get(id)).toBe(once.ink.get(id));
    expect(twice.revision).toBeGreaterThan(once.revision);
  });

  it('go on behind a gap: what was written before stays', async () => {
    const calls = { call: () => Promise.resolve({ pads: [EXAMPLE_PAD] }) } as unknown as Parameters<typeof padsTopic.load>[0];
    await padsTopic.load(calls);
    padsTopic.take([pen('one', 1)]);
    await padsTopic.load(calls);
    padsTopic.take([pen('one', 9)]);
    const ink = padsTopic.value?.ink.get(id);
    expect([ink?.length, ink?.gaps]).toEqual([2, 1]);
  });
});
