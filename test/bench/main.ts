/** All figures, one after the other, so that they do not disturb each other. Exit status 1 when a target is missed. */
import { auditFigure } from '../audit/cost.ts';
import { measureDaemon } from './api.ts';
import { measureEid } from './eid.ts';
import { format, type Figure } from './figure.ts';
import { measureGate } from './gate.ts';
import { countOperations, measureChannel, measureManyReaders } from './in-process.ts';
import { measureRealPcsc } from './real-pcsc.ts';

const figures: Figure[] = [];
const say = (text: string): void => void process.stderr.write(`${text} …\n`);
say('the channel in process');
figures.push(...(await measureChannel()), ...(await measureManyReaders()));
say('the real pcscd with a virtual reader');
const real = await measureRealPcsc();
figures.push(...real.figures);
say('APDUs for each operation');
figures.push(...(await countOperations(real.openscApdus)));
say('an eID card');
figures.push(...(await measureEid()));
say('the daemon');
figures.push(...(await measureDaemon()));
say('the gate');
figures.push(...(await measureGate()));
say('the audit log');
figures.push(await auditFigure());
process.stdout.write(`${format(figures, process.argv.includes('--json'))}\n`);
process.exitCode = figures.every((figure) => figure.ok) ? 0 : 1;
