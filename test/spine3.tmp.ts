import { startPcscd } from './support/pcscd.ts';
import { insertPlainCard } from './support/plain-vpcd-card.ts';
import { loadWinScard } from '../drivers/pcsc/winscard.ts';
import { execSync } from 'node:child_process';
await using d = await startPcscd(6);
console.log(execSync('ss -ltnp').toString());
const w = loadWinScard();
const {context} = await w.establishContext();
for (let p=35963;p<35970;p++) {
try { await using card = await insertPlainCard(p);
const t=performance.now(); const r = await w.getStatusChange(context, 2000, d.readers.map(r=>({name:r.name, currentState:16}))); console.log(p, performance.now()-t, r.result.toString(16), r.events.map(e=>e.eventState.toString(16)).join(' '));
} catch(e) {console.log(p,e.message)}
await new Promise(r=>setTimeout(r,900));
}
