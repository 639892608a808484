/** Rules that let the service, and nobody else, at the pads and scanners that the drivers support: one line a product, from the drivers' own tables. */
import { STU_MODELS, WACOM } from '../../drivers/pads/stu/models.ts';
import { FRAMINGS, type Framing } from '../../drivers/scanners/serial/framings.ts';
import { PRODUCT_FT232, VENDOR_FTDI } from '../../drivers/pads/topaz/models.ts';
import { product } from '../product.ts';

interface UsbDevice {
  readonly name: string;
  readonly subsystem: 'hidraw' | 'tty';
  /** Four hexadecimal digits each. */
  readonly vendorId: string;
  readonly productId?: string;
  /** Pattern of its serial number, where a vendor put its name there alone. */
  readonly serialNumber?: string;
}

export const supportedDevices: readonly UsbDevice[] = [
  ...STU_MODELS.map(({ model, productId }): UsbDevice => {
    return { name: `Wacom ${model}`, subsystem: 'hidraw', vendorId: hex(WACOM), productId: hex(productId) };
  }),
  // The converter's own numbers are many products': only those with the vendor's name in them are its pads.
  {
    name: 'Topaz SigLite, SignatureGem (BSB)',
    subsystem: 'tty',
    vendorId: VENDOR_FTDI,
    productId: PRODUCT_FT232,
    serialNumber: '[Tt][Oo][Pp][Aa][Zz]*',
  },
  ...Object.values<Framing>(FRAMINGS).flatMap(({ usb, model }): readonly UsbDevice[] =>
    usb ? [{ name: model, subsystem: 'tty', ...usb }] : [],
  ),
];

export const udevRules = `# Pads and scanners that the card service opens. Others: a file of your own, with a line of this kind.
${supportedDevices.map(ruleOf).join('')}`;

function ruleOf({ name, subsystem, vendorId, productId, serialNumber }: UsbDevice): string {
  const conditions = [
    'ACTION!="remove"',
    `SUBSYSTEM=="${subsystem}"`,
    ...(subsystem === 'tty' ? ['SUBSYSTEMS=="usb"'] : []),
    `ATTRS{idVendor}=="${vendorId}"`,
    ...(productId === undefined ? [] : [`ATTRS{idProduct}=="${productId}"`]),
    ...(serialNumber === undefined ? [] : [`ATTRS{serial}=="${serialNumber}"`]),
  ];
  return `# ${name}\n${[...conditions, `GROUP="${product.service.group}"`, 'MODE="0660"'].join(', ')}\n`;
}

function hex(id: number): string {
  return id.toString(16).padStart(4, '0');
}
