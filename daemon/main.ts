#!/usr/bin/env -S node --disable-sigusr1 --disable-proto=throw --max-semi-space-size=4 --max-old-space-size=512
/**
 * The program. Calls to PC/SC block a thread of libuv's pool each, so the pool is made large before anything starts it; and pcsc-lite is told
 * to say "busy" at once instead of blocking such a thread for as long as another program holds a card.
 */
import { restartWithNodeFlags } from './hardening/node-flags.ts';

process.env['UV_THREADPOOL_SIZE'] ??= '64';
process.env['PCSCLITE_NO_BLOCKING'] ??= '1';
const parameters = process.argv.slice(2);
restartWithNodeFlags(parameters[0]);

const { run } = await import('./cli/program.ts');
process.exitCode = await run(parameters);
