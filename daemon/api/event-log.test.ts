import { describe, expect, it } from 'vitest';
import type { EventName } from '../../api-spec/events.ts';
import { EventLog, REPLAY_EVENTS, type Subscriber } from './event-log.ts';

/** Takes everything until it is stopped, and keeps what it took in short: "5" for an event, "gap 1-4". */
class Listener implements Subscriber {
  readonly heard: string[] = [];
  isReading = true;
  readonly #names: readonly EventName[] | undefined;

  constructor(names?: readonly EventName[]) {
    this.#names = names;
  }

  readonly wants = (name: EventName): boolean => this.#names === undefined || this.#names.includes(name);

  send(message: Buffer): boolean {
    if (!this.isReading) return false;
    const { method, params } = JSON.parse(message.toString()) as {
      method: string;
      params: { sequence?: number; from?: number; to?: number };
    };
    this.heard.push(method === 'event.gap' ? `gap ${params.from}-${params.to}` : String(params.sequence));
    return true;
  }
}

function publish(log: EventLog, count: number, name: 'reader.removed' | 'card.removed' = 'reader.removed'): void {
  for (let left = count; left > 0; left--) {
    if (name === 'reader.removed') log.publish(name, { reader: 'r' });
    else log.publish(name, { card: 'c', reader: 'r' });
  }
}

describe('EventLog', () => {
  it('numbers events from 1, and gives them to everybody who wants them', () => {
    const log = new EventLog();
    const [all, some] = [new Listener(), new Listener(['card.removed'])];
    expect(log.sequence).toBe(0);
    log.subscribe(all);
    log.subscribe(some);
    publish(log, 2);
    publish(log, 1, 'card.removed');
    expect([all.heard, some.heard, log.sequence]).toEqual([['1', '2', '3'], ['3'], 3]);
    log.unsubscribe(all);
    publish(log, 1, 'card.removed');
    expect([all.heard.length, some.heard]).toEqual([3, ['3', '4']]);
  });

  it.each<[string, number, { sequence: number; stream?: string } | undefined, readonly string[]]>([
    ['nothing for who does not ask', 3, undefined, []],
    ['nothing since the latest', 3, { sequence: 3 }, []],
    ['what came since', 3, { sequence: 1 }, ['2', '3']],
    ['everything since the beginning', 3, { sequence: 0 }, ['1', '2', '3']],
    ['a gap for a number of the future', 2, { sequence: 9 }, ['gap 0-0', '1', '2']],
    ['a gap for another stream', 2, { sequence: 2, stream: 'other' }, ['gap 0-0', '1', '2']],
    ['nothing but a gap where nothing ever was', 0, { sequence: 5 }, ['gap 0-0']],
    ['nothing where nothing ever was', 0, { sequence: 0 }, []],
  ])('replays %s', (_, count, since, expected) => {
    const log = new EventLog();
    publish(log, count);
    const listener = new Listener();
    log.subscribe(listener, since && { sequence: since.sequence, stream: since.stream });
    expect(listener.heard).toEqual(expected);
  });

  it('keeps so many events and no more: older ones are a gap', () => {
    const log = new EventLog();
    publish(log, REPLAY_EVENTS + 5);
    const [exact, late, other] = [new Listener(), new Listener(), new Listener()];
    log.subscribe(exact, { sequence: 5, stream: log.stream });
    expect([exact.heard[0], exact.heard.length]).toEqual(['6', REPLAY_EVENTS]);
    log.subscribe(late, { sequence: 3, stream: log.stream });
    expect([late.heard[0], late.heard[1]]).toEqual(['gap 4-5', '6']);
    log.subscribe(other, { sequence: 3, stream: 'other' });
    expect([other.heard[0], other.heard[1]]).toEqual(['gap 0-5', '6']);
  });

  it('tells one who did not read what it lost, before what comes next', () => {
    const log = new EventLog();
    const slow = new Listener();
    log.subscribe(slow);
    publish(log, 1);
    slow.isReading = false;
    publish(log, 3);
    slow.isReading = true;
    publish(log, 1);
    expect(slow.heard).toEqual(['1', 'gap 2-4', '5']);
  });

  it('tells it as soon as it can read again, also when nothing comes', () => {
    const log = new EventLog();
    const slow = new Listener();
    log.subscribe(slow);
    slow.isReading = false;
    publish(log, 2);
    log.flush(slow);
    slow.isReading = true;
    log.flush(slow);
    log.flush(slow);
    expect(slow.heard).toEqual(['gap 1-2']);
  });

  it('does not lose the gap of a replay that cannot be taken', () => {
    const log = new EventLog();
    publish(log, REPLAY_EVENTS + 5);
    const slow = new Listener();
    slow.isReading = false;
    log.subscribe(slow, { sequence: 1, stream: log.stream });
    slow.isReading = true;
    log.flush(slow);
    expect(slow.heard).toEqual([`gap 2-${REPLAY_EVENTS + 5}`]);
  });

  it('forgets what a subscriber lost when it subscribes anew', () => {
    const log = new EventLog();
    const slow = new Listener();
    log.subscribe(slow);
    slow.isReading = false;
    publish(log, 2);
    slow.isReading = true;
    log.subscribe(slow);
    publish(log, 1);
    expect(slow.heard).toEqual(['3']);
  });
});
