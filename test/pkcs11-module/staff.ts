/** The token behind the module of a vendor: SoftHSM 2, with keys and certificates of members of staff. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificateFor, testKey } from '../api/support.ts';
import { createSoftHsm, type SoftHsm, type TokenSetup } from '../support/softhsm.ts';

export const STAFF: TokenSetup = { label: 'Staff token', pin: '137946', officerPin: '87654321' };

export interface StaffKey {
  readonly kind: 'EC' | 'RSA';
  readonly id: string;
  readonly label: string;
  /** The common name in its certificate. */
  readonly person: string;
}

export async function createStaffToken(keys: readonly StaffKey[]): Promise<SoftHsm> {
  await using undo = new AsyncDisposableStack();
  const hsm = undo.use(await createSoftHsm([STAFF]));
  for (const key of keys) await importKey(hsm, key);
  undo.move();
  return hsm;
}

/** For a daemon's policy: the module, with what it finds its tokens by. */
export function staffPolicy({ configuration }: SoftHsm): { readonly modules: readonly object[] } {
  const { name, path, sha256, environment } = configuration;
  return { modules: [{ name, path, sha256, environment }] };
}

async function importKey(hsm: SoftHsm, { kind, id, label, person }: StaffKey): Promise<void> {
  const { privateKey, publicKey } = testKey(kind === 'RSA' ? 'RSA-2048' : 'P-256', person);
  const [pem, der] = [join(hsm.folder, `${id}.pem`), join(hsm.folder, `${id}.der`)];
  await writeFile(pem, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await writeFile(der, Buffer.from(certificateFor(publicKey, { name: person }), 'base64'));
  const named = ['--label', label, '--id', id];
  await hsm.run('softhsm2-util', ['--import', pem, '--token', STAFF.label, '--pin', STAFF.pin, ...named]);
  const login = ['--module', hsm.configuration.path, '--token-label', STAFF.label, '--login', '--pin', STAFF.pin];
  await hsm.run('pkcs11-tool', [...login, '--write-object', der, '--type', 'cert', ...named]);
}
