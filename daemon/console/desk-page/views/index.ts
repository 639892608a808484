/** Every view, in the order of the navigation. The first one is where the page begins. */
import type { View } from '../view.ts';
import { accessView } from './access.tsx';
import { auditView } from './audit.tsx';
import { ceremoniesView } from './ceremonies/ceremonies.tsx';
import { healthView } from './health.tsx';
import { padsView } from './pads/pads.tsx';
import { readersView } from './readers.tsx';
import { scansView } from './scans/scans.tsx';

export const VIEWS: readonly [View, ...View[]] = [
  readersView,
  ceremoniesView,
  padsView,
  scansView,
  accessView,
  auditView,
  healthView,
];
