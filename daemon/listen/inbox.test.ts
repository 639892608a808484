import { describe, expect, it } from 'vitest';
import { Inbox, Rounds } from './inbox.ts';

/** An event loop whose rounds the test begins, and a clock that goes on by 1 ms for each message. */
function setUp() {
  let now = 0;
  let next: (() => void) | undefined;
  const rounds = new Rounds({ now: () => now, nextRound: (callback) => (next = callback) });
  const log: string[] = [];
  const open = (name: string): Inbox =>
    new Inbox(rounds, {
      handle: (message) => {
        now += 1;
        log.push(`${name}${message.toString()}`);
      },
      pause: () => log.push(`${name} paused`),
      resume: () => log.push(`${name} resumed`),
    });
  const round = (): readonly string[] => {
    const callback = next;
    next = undefined;
    callback?.();
    return log.splice(0);
  };
  const send = (inbox: Inbox, count: number): void => {
    for (let number = 1; number <= count; number++) inbox.add(Buffer.from(String(number)));
  };
  return { open, round, send, log, isIdle: () => next === undefined };
}

describe('messages of WebSockets', () => {
  it('are handled at once while there is time', () => {
    const { open, send, log, round, isIdle } = setUp();
    send(open('a'), 3);
    expect(log.splice(0)).toEqual(['a1', 'a2', 'a3']);
    expect(round()).toEqual([]);
    expect(isIdle()).toBe(true);
  });

  it('wait when the round has had its time, and nothing more is read until they are handled', () => {
    const { open, send, log, round, isIdle } = setUp();
    send(open('a'), 7);
    expect(log.splice(0)).toEqual(['a1', 'a2', 'a3', 'a4', 'a paused']);
    expect(round()).toEqual(['a5', 'a6', 'a7', 'a resumed']);
    expect(round()).toEqual([]);
    expect(isIdle()).toBe(true);
  });

  it('of each client are handled in turn: one that sends little does not wait for one that sends much', () => {
    const { open, send, log, round } = setUp();
    const [much, little] = [open('a'), open('b')];
    send(much, 100);
    log.splice(0);
    send(little, 1);
    expect(log.splice(0)).toEqual(['b paused']);
    expect(round()).toEqual(['a5', 'b1', 'b resumed', 'a6', 'a7']);
  });

  it('of a client that does not read its answers wait until it does', () => {
    const { open, send, round, log } = setUp();
    const inbox = open('a');
    inbox.hold();
    send(inbox, 2);
    expect(log.splice(0)).toEqual(['a paused']);
    expect(round()).toEqual([]);
    inbox.release();
    expect(round()).toEqual(['a1', 'a2', 'a resumed']);
  });

  it('of a connection that is gone are forgotten', () => {
    const { open, send, round, log } = setUp();
    const inbox = open('a');
    send(inbox, 9);
    log.splice(0);
    inbox.close();
    expect(round()).toEqual([]);
    expect(round()).toEqual([]);
  });
});
