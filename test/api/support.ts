/** Everything that the tests of the API share. */
export * from './answers.ts';
export * from './bench.ts';
export * from './cards.ts';
export * from './transports.ts';
