/**
 * A process to be killed: writes acts to the log of the folder that it is given, several at a time, and says the number of each as soon as it is answered.
 * The line goes to the pipe at once, so that what was answered is known whatever happens next.
 */
import { writeSync } from 'node:fs';
import { AuditLog } from '../../daemon/audit/audit-log.ts';
import { silentLog } from '../../daemon/log.ts';

const [folder = '', run = '0', writers = '8'] = process.argv.slice(2);
const log = AuditLog.open({ folder, log: silentLog });
let next = 0;

async function write(): Promise<never> {
  for (;;) {
    const purpose = `${run}-${next++}`;
    await log.append({ callerKind: 'native', caller: 'writer', method: 'sign.digest', outcome: 'ok', purpose });
    writeSync(1, `${purpose}\n`);
  }
}

writeSync(1, 'ready\n');
await Promise.all(Array.from({ length: Number(writers) }, write));
