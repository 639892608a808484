/** Cards of a simulated desk moved over the API, as the hands of a bench. */
import { expect, it } from 'vitest';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { errorOf, eventually, openBench, resultOf } from './support.ts';

const cards = () =>
  [
    { name: 'anna', card: createPivCard({ serialNumber: 1 }), persona: { name: 'Anna Lindqvist' } },
    { name: 'reserve', card: createPivCard({ serialNumber: 2 }), note: { en: 'Blank', sv: 'Tomt' } },
  ] as const;

it('a card goes into a reader, to another one, and out; what lay there leaves', async () => {
  await using bench = await openBench({ readers: [{}, {}], cards: cards() });
  const api = await bench.socket();
  const [first, second] = [bench.readerId(0), bench.readerId(1)];
  resultOf(await api.call('simulation.insertCard', { reader: first, card: 'anna' }));
  await eventually('seeing the card', () => bench.daemon.desk.cards[0]?.status === 'ready');
  const [before] = bench.daemon.desk.cards;
  resultOf(await api.call('simulation.insertCard', { reader: first, card: 'anna' }));
  expect(bench.daemon.desk.cards[0]).toBe(before);
  const moved = resultOf(await api.call('simulation.insertCard', { reader: second, card: 'anna' }));
  expect(moved.readers).toMatchObject([{ isOccupied: false }, { reader: second, card: 'anna', isOccupied: true }]);
  const swapped = resultOf(await api.call('simulation.insertCard', { reader: second, card: 'reserve' }));
  expect(swapped.readers[1]).toMatchObject({ card: 'reserve' });
  expect(swapped.cards).toEqual([
    { card: 'anna', holder: 'Anna Lindqvist' },
    { card: 'reserve', note: { en: 'Blank', sv: 'Tomt' }, reader: second },
  ]);
  const emptied = resultOf(await api.call('simulation.removeCard', { reader: second }));
  expect(emptied.readers.map(({ isOccupied }) => isOccupied)).toEqual([false, false]);
  expect(resultOf(await api.call('simulation.list', {}))).toEqual(emptied);
});

it('a reader tells its role, and that a card is in it which the scenario does not name', async () => {
  await using bench = await openBench({ cards: cards() });
  const api = await bench.socket();
  resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId() }));
  await bench.insert(createPivCard({ serialNumber: 3 }));
  const { readers } = resultOf(await api.call('simulation.list', {}));
  expect(readers).toEqual([{ reader: bench.readerId(), name: 'Bench 0', role: 'holder', isOccupied: true }]);
});

it('nothing of it is there at a real desk', async () => {
  await using bench = await openBench({ isReal: true, cards: cards() });
  const api = await bench.socket();
  const reader = bench.readerId();
  expect(errorOf(await api.call('simulation.list', {})).code).toBe('not_simulated');
  expect(errorOf(await api.call('simulation.insertCard', { reader, card: 'anna' })).code).toBe('not_simulated');
  expect(errorOf(await api.call('simulation.removeCard', { reader })).code).toBe('not_simulated');
});
