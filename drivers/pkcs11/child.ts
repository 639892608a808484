/**
 * The process of one module: an own program, started by module-process.ts. It takes one request after the other from the pipe and answers it. A vendor's code
 * runs here and may do anything: print (to nowhere), crash, hang. It has no handler for SIGSEGV, with which Node would spin for ever instead of ending.
 */
import { Socket } from 'node:net';
import { dieWithParent, forbidCoreDumps } from '../process-limits.ts';
import { CallTape } from './call-tape.ts';
import { LoadedModule, perform } from './child-operations.ts';
import { ModuleFaultError, ReturnedError } from './faults.ts';
import { FrameReader, decodeFrame, encodeFrame } from './frames.ts';
import { MessageError, parseRequest, type Answer, type ModuleCall } from './messages.ts';
import { ModuleFileError } from './module-file.ts';

/** After standard input, output and error. */
const PIPE = 3;
const MAX_PROBLEM = 1_024;

forbidCoreDumps();
dieWithParent();
const pipe = new Socket({ fd: PIPE, readable: true, writable: true });
const module = new LoadedModule();
const frames = new FrameReader();
let turn: Promise<void> = Promise.resolve();

pipe.on('data', (chunk: Buffer) => {
  for (const body of frames.push(chunk)) turn = turn.then(() => answer(body));
});
// kortd is gone, or wants this to end: whatever the module still does.
for (const event of ['end', 'close', 'error'] as const) pipe.once(event, () => process.exit(0));

async function answer(body: Buffer): Promise<void> {
  let id = 0;
  try {
    const { content, blobs } = decodeFrame(body);
    const request = parseRequest(content);
    id = request.id;
    module.tape = request.isTraced ? new CallTape() : undefined;
    const { result, blobs: found } = await perform(module, request, blobs, (done) => send({ id, kind: 'progress', done }));
    send({ id, kind: 'result', result, ...callsOf(module.tape) }, found);
  } catch (error) {
    send({ ...problemOf(id, error), ...callsOf(module.tape) });
  } finally {
    body.fill(0);
  }
}

function callsOf(tape: CallTape | undefined): { readonly calls?: ModuleCall[] } {
  return tape ? { calls: [...tape.calls] } : {};
}

function problemOf(id: number, error: unknown): Answer {
  if (error instanceof ReturnedError) return { id, kind: 'returned', call: error.call, value: error.value };
  if (error instanceof ModuleFaultError || error instanceof ModuleFileError || error instanceof MessageError)
    return { id, kind: 'fault', problem: error.message.slice(0, MAX_PROBLEM) };
  throw error;
}

function send(answered: Answer, blobs: readonly Uint8Array[] = []): void {
  pipe.write(encodeFrame(answered, blobs));
}
