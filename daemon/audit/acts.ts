/**
 * Which methods are acts: they change or use a card, or change who may. Each leaves a record. Looking at what is personal of others (a scan, a pen that writes) is one, too. Reading, listing and leasing are none;
 * nor is asking for access, or a stranger could fill the disk.
 */
import type { MethodName } from '../../api-spec/methods/index.ts';

/** Sorted by name. */
const ACTS: ReadonlySet<MethodName> = new Set<MethodName>([
  'access.approve',
  'access.deny',
  'access.revoke',
  'card.transmit',
  'certificate.delete',
  'certificate.request',
  'certificate.write',
  'console.open',
  'document.addManualCheck',
  'document.verify',
  'issuance.attach',
  'issuance.cancel',
  'issuance.confirm',
  'issuance.enrol',
  'issuance.export',
  'issuance.import',
  'issuance.readCard',
  'issuance.record',
  'issuance.removeCertificates',
  'issuance.requestCertificates',
  'issuance.resume',
  'issuance.sign',
  'issuance.start',
  'issuance.unblockPin',
  'issuance.verifyPin',
  'issuance.writeCertificates',
  'key.delete',
  'key.generate',
  'login.authenticate',
  'pad.capture',
  'pad.watch',
  'passport.read',
  'pin.change',
  'pin.unblock',
  'pin.verify',
  'reader.assignRole',
  'reader.removeRole',
  'scanner.review',
  'scanner.scan',
  'sign.addSigner',
  'sign.batch',
  'sign.cms',
  'sign.digest',
  'sign.pdf',
  'system.acknowledgeDatabase',
  'system.reload',
]);

export function isAct(method: MethodName): boolean {
  return ACTS.has(method);
}
