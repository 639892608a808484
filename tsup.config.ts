import { cp } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { defineConfig } from 'tsup';

/**
 * `main`: one program, everything but the native library in few files, so that it starts fast; what a run may never need stays in chunks of
 * its own. `pdf-worker`: the thread in which PDFs are read. `image-worker`: that in which pictures are decoded. `pkcs11-child`: the program that a vendor's module runs in, `pkcs11-lane`: a further thread of it. `pkcs11-front`: the program that holds the sockets of programs. `desk`: the script of the console's page that shows the desk. `client`: for Node and browsers
 * alike, so nothing of Node's is in it.
 */
export default defineConfig([
  {
    entry: {
      main: 'daemon/main.ts',
      'image-worker': 'drivers/images/worker.ts',
      'pdf-worker': 'daemon/signing/pdf/worker.ts',
      'pkcs11-child': 'drivers/pkcs11/child.ts',
      'pkcs11-front': 'daemon/pkcs11/front-process.ts',
      'pkcs11-lane': 'drivers/pkcs11/lane-thread.ts',
    },
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outDir: 'dist',
    clean: ['!docs', '!docs/**', '!packages', '!packages/**'],
    splitting: true,
    sourcemap: true,
    removeNodeProtocol: false, // node:sqlite has no other name
    // All but what has parts that are found beside their own files: tsup asks here first, and for `external` only what is not named here.
    noExternal: [/^(?!koffi$|node-hid$|serialport$|@cornerstonejs\/)/],
    external: ['koffi', 'node-hid', 'serialport', /^@cornerstonejs\//],
    // The console's page is served as it is written: daemon/console/assets.ts finds it beside the bundle.
    onSuccess: () =>
      cp('daemon/console/page', 'dist/page', {
        recursive: true,
        filter: (path) => ['', '.css', '.html', '.js', '.svg'].includes(extname(path)),
      }),
    // Bundled CommonJS packages ask for Node's own modules by `require`.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
  },
  {
    entry: { desk: 'daemon/console/desk-page/main.tsx' },
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outDir: 'dist/desk-page',
    clean: true,
    minify: true,
    noExternal: [/./],
    esbuildOptions: (options) => {
      options.jsx = 'automatic';
      options.jsxImportSource = 'preact';
    },
    onSuccess: async () => {
      const files = ['desk-page/desk.css', 'desk-page/index.html', 'page/icon.svg', 'page/palette.css'];
      await Promise.all(files.map((file) => cp(`daemon/console/${file}`, `dist/desk-page/${basename(file)}`)));
    },
  },
  {
    entry: { client: 'api-spec/client/client.ts' },
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outDir: 'dist/client',
    clean: true,
  },
]);
