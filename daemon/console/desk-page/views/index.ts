/** Every view, in the order of the navigation. The first one is where the page begins. */
import type { View } from '../view.ts';
import { accessView } from './access.tsx';
import { auditView } from './audit.tsx';
import { healthView } from './health.tsx';
import { readersView } from './readers.tsx';

export const VIEWS: readonly [View, ...View[]] = [readersView, accessView, auditView, healthView];
