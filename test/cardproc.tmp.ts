import { insertPlainCard } from './support/plain-vpcd-card.ts';
const data = new Uint8Array(18).fill(7); data[16]=0x90; data[17]=0;
await insertPlainCard(Number(process.argv[2]), { answer: () => data });
process.send?.('ready');
