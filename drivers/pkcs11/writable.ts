/** What every change of a card through its module looks at first. */
import { SecurityStatusError } from '../../apdu/errors.ts';
import * as ck from './constants.ts';
import type { DirectoryCertificate } from './key-directory.ts';
import type { CardKeys } from './module-token.ts';

/** Some modules let anybody who has a session write what is public: certificates. Here that wants the PIN too. */
export function requirePin({ session }: CardKeys, attempt: string, slot: number): void {
  const flags = session.group.slots[slot]?.token.flags ?? 0;
  if ((flags & ck.CKF_LOGIN_REQUIRED) === 0 || session.loggedIn(slot) === 'user') return;
  throw new SecurityStatusError(`${attempt}: its PIN must be verified first`);
}

/** As they are now: handles are of this transaction alone. */
export async function certificatesOf(keys: CardKeys, keyReference: string): Promise<readonly DirectoryCertificate[]> {
  const { certificates } = await keys.readAnew();
  return certificates.filter((certificate) => certificate.keyReference === keyReference.toUpperCase());
}
