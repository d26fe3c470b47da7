import type { BrokenEngine } from './break-engine.ts';
import { enginesThatTakeAnything } from './engines-adding.ts';
import { enginesOutOfControl } from './engines-control.ts';
import { enginesThatProcessBadly } from './engines-processing.ts';

/** Every deliberately broken engine. */
export const brokenEngines: readonly BrokenEngine[] = [
  ...enginesThatProcessBadly,
  ...enginesThatTakeAnything,
  ...enginesOutOfControl,
];
