/** The process that is killed: one desk after the other, opened and handled as its parent says. Parent and child speak through Node's own channel. */
import { openCrashDesk, type CrashDesk, type DeskDescription, type ReaderRole } from './desk.ts';
import type { Fault } from './faults.ts';

export type Order =
  | { readonly do: 'open'; readonly desk: DeskDescription }
  | { readonly do: 'arm'; readonly fault: Fault | undefined }
  | { readonly do: 'put'; readonly reader: ReaderRole }
  | { readonly do: 'take' }
  | { readonly do: 'disarm' }
  | { readonly do: 'late'; readonly ms: number }
  | { readonly do: 'count' }
  | { readonly do: 'close' };

export interface Request {
  readonly id: number;
  readonly order: Order;
}

export type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly problem: string });

let desk: CrashDesk | undefined;

process.on('message', (message) => void answer(message as Request));
process.on('disconnect', () => process.exit(0));

async function answer({ id, order }: Request): Promise<void> {
  const reply = await carryOut(order).then(
    (result): Reply => ({ id, result }),
    (error: unknown): Reply => ({ id, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  process.send?.(reply);
}

async function carryOut(order: Order): Promise<unknown> {
  if (order.do === 'open') {
    desk = await openCrashDesk(order.desk);
    return desk.address;
  }
  if (!desk) throw new Error(`${order.do}: no desk is open`);
  switch (order.do) {
    case 'arm':
      desk.arm(order.fault);
      return undefined;
    case 'put':
      return await desk.put(order.reader);
    case 'take':
      desk.take();
      return undefined;
    case 'disarm':
      desk.faults.disarm();
      return undefined;
    case 'late':
      desk.lateMs = order.ms;
      return undefined;
    case 'count': {
      const { exchanges, writes } = desk.faults;
      return { exchanges, writes };
    }
    case 'close':
      await desk[Symbol.asyncDispose]();
      desk = undefined;
      return undefined;
  }
}
