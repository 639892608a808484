/**
 * Names that rules may use for what must pass: of a check, or of several whose ids begin with it. Rules with another name are refused, for what nobody looks at
 * would never be missed.
 */
import { MANUAL_CHECKS } from '../../../api-spec/document.ts';

const PAIRS = ['typed.chip', 'typed.mrz', 'typed.viz', 'chip.mrz', 'chip.viz', 'mrz.viz'] as const;
const DATA_GROUPS = ['dg1', 'dg2', 'dg7', 'dg11', 'dg12', 'dg14', 'dg15'] as const;
const LIGHTS = ['axial', 'ir', 'other', 'uv', 'white'] as const;

export const REQUIREMENTS: readonly string[] = [
  'combined.age',
  'combined.country',
  'combined.expiry',
  'combined.lists',
  ...PAIRS.map((pair) => `combined.${pair}`),
  'combined.portrait',
  'combined.typed',
  'electronic.access',
  'electronic.activeAuthentication',
  'electronic.chipAuthentication',
  'electronic.genuine',
  'electronic.paceMapping',
  'electronic.passive',
  'electronic.passive.chain',
  'electronic.passive.country',
  'electronic.passive.hash',
  ...DATA_GROUPS.map((group) => `electronic.passive.hash.${group}`),
  'electronic.passive.list',
  'electronic.passive.revocation',
  'electronic.passive.signature',
  'electronic.passive.validity',
  ...DATA_GROUPS.map((group) => `electronic.read.${group}`),
  'mrz.digits',
  'mrz.read',
  'mrz.repair',
  ...LIGHTS.map((light) => `optical.${light}`),
  'quality',
  'service.scan',
  ...MANUAL_CHECKS,
];

export function isRequirement(name: string): boolean {
  return REQUIREMENTS.includes(name);
}

/** `combined.typed` is about `combined.typed.mrz.surname`. */
export function covers(name: string, id: string): boolean {
  return id === name || id.startsWith(`${name}.`);
}
