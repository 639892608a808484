import { fork, execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { once } from 'node:events';
import koffi from 'koffi';
import { startPcscd } from './support/pcscd.ts';
import { createPcscSource } from '../drivers/pcsc/source.ts';
import { loadWinScard } from '../drivers/pcsc/winscard.ts';
await using d = await startPcscd(2);
const child = fork(import.meta.dirname + '/cardproc.tmp.ts', [String(d.readers[0].port)]);
await once(child, 'message');
await using source = createPcscSource();
const name = d.readers[0].name;
for (;;) { try { await using c = await source.connect(name, {signal: AbortSignal.timeout(5000)}); break; } catch { await new Promise(r=>setTimeout(r,100)); } }
const apdu = Uint8Array.of(0,0xb0,0,0,16);
const N = 3000;
const lib = koffi.load('libpcsclite.so.1');
const raw = lib.func('SCardTransmit','uint32_t',['uint64_t','void*','void*','uint64_t','void*','void*','void*']);
const res: Record<string, number[]> = {c:[],raw:[],sync:[],ws:[],ours:[], nop:[]};
const ws = loadWinScard();
const getpid = koffi.load('libc.so.6').func('int getpid()');
async function timed(k: string, f: ()=>Promise<unknown>) { for (let i=0;i<50;i++) await f(); const t = performance.now(); for (let i=0;i<N;i++) await f(); res[k].push((performance.now()-t)/N*1000); }
for (let round=0; round<7; round++) {
  const out = await promisify(execFile)('/tmp/pcsc-loop', [name, String(N), '00b0000010']);
  res.c.push(1e6/Number(out.stdout));
  { await using c = await source.connect(name, {signal: AbortSignal.timeout(5000)}); await timed('ours', () => c.transmit(apdu)); }
  const {context} = await ws.establishContext();
  const {card} = await ws.connect(context, name, {shareMode:2, protocols:3});
  await ws.beginTransaction(card);
  const receive = new Uint8Array(65548), len = new Uint32Array(2), pci = new Uint8Array(new Uint32Array([2,0,16,0]).buffer);
  const receiveB = Buffer.alloc(65548);
  await timed('ws', () => ws.transmit(card, 2, {command: apdu, receive}));
  await timed('raw', () => new Promise<void>(r => { len[0]=65548; raw.async(card, pci, apdu, 5, null, receive, len, (e:unknown, x:number)=> r()); }));
  await timed('sync', async () => { len[0]=65548; raw(card, pci, apdu, 5, null, receive, len); });
  await timed('nop', () => new Promise<void>(r => { getpid.async(() => r()); }));
  await ws.disconnect(card,0); await ws.releaseContext(context);
}
const med = (a:number[]) => a.toSorted((x,y)=>x-y)[a.length>>1];
for (const k in res) console.log(k, med(res[k]).toFixed(1), 'us', res[k].map(x=>x.toFixed(0)).join(' '));
child.kill();
