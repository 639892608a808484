/** Vendors' PKCS #11 modules that the policy names by their hash: a file that changed is not loaded, and its cards are not to be had. */
import { readPolicy } from '../../access/policy.ts';
import { defineCheck } from '../check.ts';

const FAULTS = {
  module_changed: {
    severity: 'error',
    en: "A vendor's module is not the file that the policy names: it was updated or tampered with, and kortd does not load it.",
    sv: 'En leverantörs modul är inte den fil som policyn anger: den har uppdaterats eller manipulerats, och kortd laddar den inte.',
    command: 'sha256sum {path}  # when the update was meant, put this into the policy and run: kortd reload',
  },
  module_file_missing: {
    severity: 'error',
    en: "A vendor's module that the policy names is not there.",
    sv: 'En leverantörs modul som policyn anger finns inte.',
    command: '# Install the package that brings {path}, or take the module out of the policy: kortd reload',
  },
} as const;

export const modulesCheck = defineCheck({
  id: 'modules',
  title: { en: "Vendors' modules that the policy names", sv: 'Leverantörers moduler som policyn anger' },
  faults: FAULTS,
  async look(look, report) {
    for (const { name, path, sha256 } of readPolicy(look.policyFolder).modules) {
      const hash = await look.hash(path);
      if (hash.state === 'absent') report.found('module_file_missing', `${name}: ${path}`, { path });
      else if (hash.state !== 'seen')
        report.unseen({ en: `the module ${name} (${path})`, sv: `modulen ${name} (${path})` }, hash.why);
      else if (hash.value !== sha256)
        report.found(
          'module_changed',
          [
            `${name}: ${path}`,
            { en: `SHA-256 ${hash.value}, the policy says ${sha256}`, sv: `SHA-256 ${hash.value}, policyn säger ${sha256}` },
          ],
          { path },
        );
    }
  },
});
