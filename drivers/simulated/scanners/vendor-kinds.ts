/** Vendors' services that can be simulated, by the names of their drivers. */

export const VENDOR_KINDS = ['authentiscan', 'id365', 'regula'] as const;
export type VendorKind = (typeof VENDOR_KINDS)[number];
