/** What somebody is asked, as prompt.list and its events tell it. */
import type { OpenPrompt } from '../prompts.ts';

export const EXAMPLE_PROMPT: OpenPrompt = {
  prompt: '0b5a0f0e-6a50-4f0b-a1c0-2f6f0b1d7a11',
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://app.example' },
  user: '1000',
  card: 'piv 1234567, Reader of the operator',
  task: { en: 'Signing', sv: 'Att signera' },
  where: 'agent',
  since: '2026-03-02T08:15:10.112Z',
};
