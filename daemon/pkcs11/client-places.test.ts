import { expect, it } from 'vitest';
import { ClientPlaces, MAX_CLIENTS, MAX_CLIENTS_OF_ONE } from './client-places.ts';

it('one program never takes every place, and is named once', () => {
  const refused: string[] = [];
  const places = new ClientPlaces((program) => refused.push(program));
  const taken = Array.from({ length: MAX_CLIENTS_OF_ONE }, () => places.take('wild (process 1)'));
  expect(taken).not.toContain(undefined);
  for (let count = 0; count < 3; count++) expect(places.take('wild (process 1)')).toBeUndefined();
  expect(refused).toEqual(['wild (process 1)']);
  expect(places.take('good (process 2)')).toBeDefined();
  for (const place of taken) place?.[Symbol.dispose]();
  expect(places.take('wild (process 1)')).toBeDefined();
});

it('there are so many places and no more, and each that is left is free again', () => {
  const places = new ClientPlaces(() => undefined);
  const taken = Array.from({ length: MAX_CLIENTS }, (_, index) => places.take(`program (process ${index})`));
  expect(taken).not.toContain(undefined);
  expect(places.take('one more')).toBeUndefined();
  taken[0]?.[Symbol.dispose]();
  expect(places.take('one more')).toBeDefined();
  expect(places.take('another')).toBeUndefined();
});
