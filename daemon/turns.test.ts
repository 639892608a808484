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
});
