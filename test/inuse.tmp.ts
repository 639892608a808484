import { startPcscd } from './support/pcscd.ts';
import { insertPlainCard } from './support/plain-vpcd-card.ts';
import { createPcscSource } from '../drivers/pcsc/source.ts';
import { loadWinScard } from '../drivers/pcsc/winscard.ts';
await using d = await startPcscd(2);
const real = loadWinScard();
let looks = 0, contexts = 0;
const counted = {...real, getStatusChange: async (...a: Parameters<typeof real.getStatusChange>) => { looks++; const r = await real.getStatusChange(...a); return r; }, establishContext: async () => {contexts++; return real.establishContext()}, releaseContext: async (c: bigint) => {contexts--; return real.releaseContext(c)}};
const card = await insertPlainCard(d.readers[0].port);
const name = d.readers[0].name;
{
await using source = createPcscSource({load: () => counted});
const ac = new AbortController();
const w = (async()=>{ for await (const s of source.watch({signal: ac.signal})) console.log(performance.now()|0, s.name, s.status, s.heldElsewhere, s.insertion); })();
await new Promise(r=>setTimeout(r,1500));
looks = 0; let t = performance.now();
for (let i=0;i<100;i++) { await using c = await source.connect(name, {signal: AbortSignal.timeout(5000)}); await c.transmit(new Uint8Array(4)); }
console.log('100 connects', performance.now()-t, 'looks', looks);
const {context} = await real.establishContext();
console.log('excl start', performance.now()|0);
const x = await real.connect(context, name, {shareMode:1, protocols:3}); console.log(x.result);
await new Promise(r=>setTimeout(r,2500));
t = performance.now();
await source.connect(name, {signal: AbortSignal.timeout(5000)}).catch(e=>console.log(e.message, performance.now()-t));
console.log('excl end', performance.now()|0);
await real.disconnect(x.card, 0);
await new Promise(r=>setTimeout(r,1500));
// timing of cancel
t = performance.now(); for (let i=0;i<100;i++) await real.cancel(context); console.log('cancel us', (performance.now()-t)*10);
t = performance.now(); for (let i=0;i<100;i++) { const c = await real.establishContext(); await real.releaseContext(c.context); } console.log('establish+release us', (performance.now()-t)*10);
await real.releaseContext(context);
ac.abort(); await w;
}
console.log('contexts left', contexts, 'looks', looks);
card.pull();
