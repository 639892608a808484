import { fork, execFileSync, execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { once } from 'node:events';
import { startPcscd } from './support/pcscd.ts';
import { createPcscSource } from '../drivers/pcsc/source.ts';
await using d = await startPcscd(2);
const child = fork(import.meta.dirname + '/cardproc.tmp.ts', [String(d.readers[0].port)]);
await once(child, 'message');
await using source = createPcscSource();
const name = d.readers[0].name;
for (;;) { try { await using c = await source.connect(name, {signal: AbortSignal.timeout(5000)}); break; } catch { await new Promise(r=>setTimeout(r,100)); } }
const apdu = Uint8Array.of(0,0xb0,0,0,16);
const N = 4000;
const ours: number[] = [], theirs: number[] = [];
for (let round=0; round<9; round++) {
  const out = await promisify(execFile)('/tmp/pcsc-loop', [name, String(N), '00b0000010']);
  theirs.push(Number(out.stdout));
  await using c = await source.connect(name, {signal: AbortSignal.timeout(5000)});
  for (let i=0;i<50;i++) await c.transmit(apdu);
  const t = performance.now(); for (let i=0;i<N;i++) await c.transmit(apdu);
  ours.push(Math.round(N/(performance.now()-t)*1000));
}
const med = (a:number[]) => a.toSorted((x,y)=>x-y)[a.length>>1];
console.log('C', theirs.join(' '), 'ours', ours.join(' '));
console.log('median C', med(theirs), 'ours', med(ours), 'ratio', (med(ours)/med(theirs)).toFixed(3), 'ratios', ours.map((o,i)=>(o/theirs[i]).toFixed(2)).join(' '));
child.kill();
