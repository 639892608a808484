import { expect, it } from 'vitest';
import type { PadEvent, PenSample } from './driver.ts';
import { PadEventQueue } from './event-queue.ts';

function sample(sequence: number): PenSample {
  return { sequence, xMm: 1, yMm: 1, timeMs: sequence, pressure: 1, isDown: true };
}

async function all(queue: PadEventQueue): Promise<readonly PadEvent[]> {
  const events: PadEvent[] = [];
  for await (const event of queue.events()) events.push(event);
  return events;
}

it('gives events in their order, and ends', async () => {
  const queue = new PadEventQueue(new AbortController().signal);
  queue.pen(sample(0));
  queue.tell({ kind: 'button', button: 'accept' });
  setImmediate(() => {
    queue.pen(sample(1));
    queue.end();
  });
  expect((await all(queue)).map(({ kind }) => kind)).toEqual(['pen', 'button', 'pen']);
});

it('tells how many samples found no room, before the next that does', async () => {
  const queue = new PadEventQueue(new AbortController().signal, { maxWaiting: 2 });
  for (let sequence = 0; sequence < 5; sequence++) queue.pen(sample(sequence));
  queue.tell({ kind: 'button', button: 'accept' });
  queue.end();
  expect(await all(queue)).toEqual([
    { kind: 'pen', sample: sample(0) },
    { kind: 'pen', sample: sample(1) },
    { kind: 'lost', samples: 3 },
    { kind: 'button', button: 'accept' },
  ]);
});

it('gives what came before a failure, then throws it', async () => {
  const queue = new PadEventQueue(new AbortController().signal);
  queue.pen(sample(0));
  queue.lost(1);
  queue.fail(new Error('gone'));
  const events = queue.events();
  expect((await events.next()).value).toEqual({ kind: 'pen', sample: sample(0) });
  expect((await events.next()).value).toEqual({ kind: 'lost', samples: 1 });
  await expect(events.next()).rejects.toThrow('gone');
});

it('ends without an error when its signal fires, while it waits and in the midst of many', async () => {
  const waiting = new AbortController();
  const queue = new PadEventQueue(waiting.signal);
  setImmediate(() => waiting.abort());
  expect(await all(queue)).toEqual([]);

  const busy = new AbortController();
  const full = new PadEventQueue(busy.signal);
  full.pen(sample(0));
  full.pen(sample(1));
  const taken: PadEvent[] = [];
  for await (const event of full.events()) {
    taken.push(event);
    busy.abort();
  }
  expect(taken).toHaveLength(1);
});
