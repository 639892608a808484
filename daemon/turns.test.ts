import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

const LIMIT = 64;

const never = new AbortController().signal;

/** Work that ends when it is told to. */
class Job {
  readonly #end = Promise.withResolvers<string>();
  isRunning = false;
  readonly work = async (): Promise<string> => {
    this.isRunning = true;
    return await this.#end.promise;
  };
  end(result = 'done'): void {
    this.#end.resolve(result);
  }
  fail(error: Error): void {
    this.#end.reject(error);
  }
}

/** Lets everything that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Turns', () => {
  it('runs one job at a time, first come first served', async () => {
    const queue = new Turns('the reader', LIMIT);
    const jobs = [new Job(), new Job(), new Job()];
    const results = jobs.map((job) => queue.run(never, job.work));
    for (const [index, job] of jobs.entries()) {
      await settle();
      expect(jobs.map(({ isRunning }) => isRunning)).toEqual(jobs.map((_, other) => other <= index));
      expect(queue.length).toBe(jobs.length - index);
      job.end(String(index));
    }
    expect(await Promise.all(results)).toEqual(['0', '1', '2']);
    expect(queue.length).toBe(0);
  });

  it('goes on after a job that failed', async () => {
    const queue = new Turns('the reader', LIMIT);
    const [first, second] = [new Job(), new Job()];
    const results = [queue.run(never, first.work), queue.run(never, second.work)];
    first.fail(new Error('broken'));
    await expect(results[0]).rejects.toThrow('broken');
    second.end();
    await expect(results[1]).resolves.toBe('done');
  });

  it('gives up a waiting job with the reason of its signal, and lets the next one by', async () => {
    const queue = new Turns('the reader', LIMIT);
    const [first, second, third] = [new Job(), new Job(), new Job()];
    const abort = new AbortController();
    const running = queue.run(never, first.work);
    const waiting = queue.run(abort.signal, second.work);
    const last = queue.run(never, third.work);
    abort.abort(new Error('late'));
    await expect(waiting).rejects.toThrow('late');
    expect(queue.length).toBe(2);
    first.end();
    await running;
    await settle();
    expect([second.isRunning, third.isRunning]).toEqual([false, true]);
    third.end();
    await last;
  });

  it('does not cut a running job off: it ends by itself', async () => {
    const queue = new Turns('the reader', LIMIT);
    const job = new Job();
    const abort = new AbortController();
    const running = queue.run(abort.signal, job.work);
    await settle();
    abort.abort(new Error('late'));
    job.end('whole');
    await expect(running).resolves.toBe('whole');
  });

  it('does not take a job whose signal has fired already', async () => {
    const queue = new Turns('the reader', LIMIT);
    const job = new Job();
    await expect(queue.run(AbortSignal.abort(new Error('gone')), job.work)).rejects.toThrow('gone');
    expect([job.isRunning, queue.length]).toEqual([false, 0]);
  });

  it('refuses more than may wait, and has room again when one ended', async () => {
    const queue = new Turns('the reader', LIMIT);
    const jobs = Array.from({ length: LIMIT + 1 }, () => new Job());
    const results = jobs.map((job) => queue.run(never, job.work));
    const extra = new Job();
    await expect(queue.run(never, extra.work)).rejects.toMatchObject({ code: 'too_many_calls', details: { limit: LIMIT } });
    jobs[0]?.end();
    await results[0];
    const welcome = queue.run(never, extra.work);
    for (const job of [...jobs, extra]) job.end();
    await Promise.all([...results, welcome]);
    expect(queue.length).toBe(0);
  });

  it('takes turns between callers: one who asks for much keeps nobody waiting for more than one of its jobs', async () => {
    const queue = new Turns('the reader', LIMIT);
    const order: string[] = [];
    const run = (caller: string): Promise<void> => {
      const work = async (): Promise<void> => {
        order.push(caller);
        await settle();
      };
      return queue.run(never, work, { caller, name: caller });
    };
    await Promise.all([...Array.from({ length: 5 }, () => run('much')), run('a'), run('b'), run('a')]);
    expect(order).toEqual(['much', 'much', 'a', 'b', 'much', 'a', 'much', 'much']);
  });

  it('is full for whoever has most in it', async () => {
    const queue = new Turns('the reader', 3);
    const jobs = Array.from({ length: 4 }, () => new Job());
    const of = (caller: string): { caller: string; name: string } => ({ caller, name: caller });
    const results = jobs.map((job) => queue.run(never, job.work, of('much')));
    const lost = expect(results[3]).rejects.toMatchObject({ code: 'too_many_calls' });
    await expect(queue.run(never, new Job().work, of('much'))).rejects.toMatchObject({ code: 'too_many_calls' });
    const little = new Job();
    const welcome = queue.run(never, little.work, of('little'));
    await lost;
    for (const job of [...jobs, little]) job.end();
    await Promise.all([...results.slice(0, 3), welcome]);
    expect(queue.length).toBe(0);
  });

  it('tells whose turn it is, since when, and whether somebody waits', async () => {
    let now = 5_000;
    const queue = new Turns('the reader', LIMIT, () => now);
    const [first, second] = [new Job(), new Job()];
    expect([queue.current, queue.isWanted]).toEqual([undefined, false]);
    const running = queue.run(never, first.work, { caller: 'a', name: 'sign.batch of a' });
    expect([queue.current, queue.isWanted]).toEqual([{ name: 'sign.batch of a', since: 5_000 }, false]);
    const waiting = queue.run(never, second.work);
    expect(queue.isWanted).toBe(true);
    now = 6_000;
    first.end();
    await running;
    expect([queue.current, queue.isWanted]).toEqual([{ name: undefined, since: 6_000 }, false]);
    second.end();
    await waiting;
    expect(queue.current).toBeUndefined();
  });
});
