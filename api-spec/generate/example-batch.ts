/** Taken from the simulated desk `office`: two documents signed with the operator's signature key. */
import type { Result } from '../methods/index.ts';

const signatures = [
  {
    name: 'Receipt 1.pdf',
    digest: 'Ad8a2NFGYjmCnThSoZQQ6aOqlDgpK5CYdr4ukur4K50=',
    signature:
      'ZJ7ZKG1UkoMA68AUfRPGwAEw+oz2IW6MP0RP2p8d8rD5UlIokgDRqQuzNB9VqNQVYuN+FIpY+V3su4EuWbuUsK2hNLIg3pAWz4bVpldrXOzj+0deNaI2ndWPrIOhlpDFqN9aBtkFI9nsNOremziVzmHwj/QbtdfUZuXBOX/25ZAwC8R9eDZPCRXcef4FP9fsMk6OdA78j3aGg7xG2QTe5Ag4pv5Y4aQ7bvAGouLncI4PPxoGiYLX672iDuaNwU2QprWELitA4xewIvlroEeTmqN5V1e1YqV/QEXNEC3OvGqpRvfIuqaa2kdgsKH6GXvG9j93h+bukRKi1kQ3bj6tpA==',
  },
  {
    name: 'Receipt 2.pdf',
    digest: 'mUmi6husNlfdmLwprEVPAGLneXxmU1gtuSljeT8jIlg=',
    signature:
      'mc+bJBlZ8sXkFz78sqQ6tjYLlXgKrYbFXo66xIn/sEuwApWF/3TrQQUhTp5QNxJSR6lXQNejUqlN+BQ+wZjWXCWqxzE44x6pinKWxpERrd76nNt/AePfRRB2EIGOTdUQPNzVimQPqB4nh6Cb8Cgs8Q8HF94n+OsLpnG69gTS3yzhNfyeSeujWmA6kv9PlbVKrdd410tHYz9/n3osdFcszpv6o9j0BYzImvnm6siRZ1gZmHsOGMOXx6d3Gjo/yOwtsqvq+LXtHVbYe5oDUGiSswhWigUsCvSqf0qyUsERA//NAt08KovxO8tH29EOkPLHJhCkmxQFwRrxC+7NXb2G6w==',
  },
];

export const EXAMPLE_BATCH = {
  documents: signatures.map(({ name, digest }) => ({ name, digest })),
  result: {
    signatures,
    manifest: { hash: 'SHA-256', value: '8498a109abe1699d2c7e04dc5b0efb1512cd2e8b651c6d985875881f5971350a' },
    algorithm: 'RS256',
    keyReference: '9C',
  },
} satisfies { readonly documents: readonly object[]; readonly result: Result<'sign.batch'> };
