/** The drivers of vendors' services by name, each loaded with its first use. */
import type { ScannerDriver } from './driver.ts';
import type { AuthentiscanOptions } from './authentiscan/options.ts';
import type { Id365Options } from './id365/options.ts';
import type { RegulaOptions } from './regula/options.ts';

export interface VendorOptions {
  readonly authentiscan: AuthentiscanOptions;
  readonly id365: Id365Options;
  readonly regula: RegulaOptions;
}

type Open<K extends keyof VendorOptions> = (name: string, options: VendorOptions[K]) => Promise<ScannerDriver>;

/** Options are as their schemas have them. */
export const VENDOR_SCANNERS: { readonly [K in keyof VendorOptions]: Open<K> } = {
  authentiscan: async (name, options) => (await import('./authentiscan/driver.ts')).openAuthentiscanDriver(name, options),
  id365: async (name, options) => (await import('./id365/driver.ts')).openId365Driver(name, options),
  regula: async (name, options) => (await import('./regula/driver.ts')).openRegulaDriver(name, options),
};
