import { expect, it } from 'vitest';
import { Seldom } from './seldom.ts';

it('is said of each program at once, then once a minute, with how often it was left out', () => {
  let now = 0;
  const seldom = new Seldom(() => now);
  const said: string[] = [];
  const say = (program: string): void => seldom.about(program, (omitted) => said.push(`${program} ${omitted}`));
  for (let count = 0; count < 5; count++) say('wild');
  say('other');
  now = 59_999;
  say('wild');
  now = 60_000;
  say('wild');
  expect(said).toEqual(['wild 0', 'other 0', 'wild 5']);
});

it('remembers no more programs than there is room for', () => {
  const seldom = new Seldom(() => 0);
  let said = 0;
  const say = (program: string): void => seldom.about(program, () => said++);
  for (let index = 0; index < 300; index++) say(`program ${index}`);
  say('program 299');
  expect(said).toBe(300);
  say('program 0');
  expect(said).toBe(301);
});
