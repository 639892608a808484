import { startPcscd } from './support/pcscd.ts';
import { insertPlainCard } from './support/plain-vpcd-card.ts';
import { loadWinScard } from '../drivers/pcsc/winscard.ts';
await using d = await startPcscd(2);
const w = loadWinScard();
const {context} = await w.establishContext();
console.log((await w.listReaders(context)));
let q = d.readers.map(r=>({name:r.name,currentState:0}));
q.push({name:'\\\\?PnP?\\Notification',currentState:0});
for (let i=0;i<3;i++){ const t=performance.now(); const r = await w.getStatusChange(context, 1000, q); console.log(performance.now()-t, r.result.toString(16), r.events); q = r.events.map(e=>({name:e.name,currentState:e.eventState&~2&~0x100}));
if(i===0) insertPlainCard(d.readers[0].port);
try{process.kill(d.pid,0)}catch(e){console.log('pcscd dead')}
}
