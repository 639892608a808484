/** An audit log of one record, for the documents; a test verifies it. */
import type { AuditRecord } from '../methods/audit.ts';

export const EXAMPLE_AUDIT_FINGERPRINT = '15e9be6250d339d0d9fbc5bad807ffed926d4406857dad828f00ad35cef29b45';

export const EXAMPLE_AUDIT_RECORD: AuditRecord = {
  time: '2026-03-02T08:15:00.000Z',
  callerKind: 'native',
  caller: 'program 5f0c2a71',
  method: 'sign.digest',
  cardSerial: '10000001',
  cardApplication: 'piv',
  reader: 'Simulated Operator 00 00',
  outcome: 'ok',
  sequence: 1,
  previousHash: '0000000000000000000000000000000000000000000000000000000000000000',
  hash: '4d599023b211c12ee09d3154ef2f301091064ddaf3c8280b1b96d81346d33f2b',
};

export const EXAMPLE_AUDIT_EXPORT = [
  '{"type":"header","format":"kortd-audit-1","publicKey":"MCowBQYDK2VwAyEAwiHjiOu/IU8BwnAsIg+mbT8KChQ3frkpAJZJVBDBVZE=","fingerprint":"15e9be6250d339d0d9fbc5bad807ffed926d4406857dad828f00ad35cef29b45","exportedAt":"2026-03-02T08:15:00.000Z"}',
  '{"type":"record","sequence":1,"time":"2026-03-02T08:15:00.000Z","callerKind":"native","caller":"program 5f0c2a71","method":"sign.digest","cardSerial":"10000001","cardApplication":"piv","reader":"Simulated Operator 00 00","outcome":"ok","previousHash":"0000000000000000000000000000000000000000000000000000000000000000","hash":"4d599023b211c12ee09d3154ef2f301091064ddaf3c8280b1b96d81346d33f2b"}',
  '{"type":"checkpoint","number":1,"kind":"start","sequence":0,"hash":"0000000000000000000000000000000000000000000000000000000000000000","time":"2026-03-02T08:15:00.000Z","key":"15e9be6250d339d0d9fbc5bad807ffed926d4406857dad828f00ad35cef29b45","signature":"fpsJs7huYU9vj5OBZ8FROeMhLbko81DNC4NQCSawe6xelhXlO5CY6cMSM3MStannwxk56gLS8I/0Zpi7hC3SDg=="}',
  '{"type":"checkpoint","number":2,"kind":"export","sequence":1,"hash":"4d599023b211c12ee09d3154ef2f301091064ddaf3c8280b1b96d81346d33f2b","time":"2026-03-02T08:15:00.000Z","key":"15e9be6250d339d0d9fbc5bad807ffed926d4406857dad828f00ad35cef29b45","signature":"dPseBK8XMc2hjg23FmR9hadLzwN4WbCa50lACJVIm+t/OP65appdXof8XcR8g6spUIxxRSMtFgL2l9UBQmyxDQ=="}',
]
  .map((line) => `${line}\n`)
  .join('');
