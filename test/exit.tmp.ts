import { startPcscd } from './support/pcscd.ts';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { insertPlainCard } from './support/plain-vpcd-card.ts';
import { createPcscSource } from '../drivers/pcsc/source.ts';
if (process.argv[2]) {
  const source = createPcscSource();
  const it = source.watch({signal: new AbortController().signal})[Symbol.asyncIterator]();
  if (process.argv[2].includes('watch')) { await it.next(); void it.next().then(()=>it.next()).then(()=>it.next()); await new Promise(r=>setTimeout(r,200)); }
  if (process.argv[2].includes('hung')) { const c = await source.connect('Kortd Bench A 00 00', {signal: AbortSignal.timeout(5000)}); void c.transmit(new Uint8Array(4)).catch(()=>0); await new Promise(r=>setTimeout(r,200)); }
  process.send!('x');
  if (process.argv[2].includes('throw')) throw new Error('crash');
  process.exit(3);
}
await using d = await startPcscd(2);
const card = await insertPlainCard(d.readers[0].port, {answer: () => new Promise(()=>{})});
await new Promise(r=>setTimeout(r,1000));
for (const mode of ['watch','watch-throw','hung']) {
  const c = fork(import.meta.filename, [mode], {stdio:'ignore'});
  await once(c,'message'); const t = performance.now();
  const k = setTimeout(()=>c.kill('SIGKILL'), 9000);
  const [code, sig] = await once(c,'exit'); clearTimeout(k); console.log(mode, code, sig, Math.round(performance.now()-t),'ms');
}
{ const c = fork(import.meta.filename, ['hung-sigterm'.replace('sigterm','x')], {stdio:'ignore'}); await once(c,'message'); await new Promise(r=>setTimeout(r,500)); const t=performance.now(); c.kill('SIGTERM'); const k = setTimeout(()=>c.kill('SIGKILL'), 5000); const [code,sig]=await once(c,'exit'); clearTimeout(k); console.log('SIGTERM during exit', code, sig, performance.now()-t)}
card.pull();
