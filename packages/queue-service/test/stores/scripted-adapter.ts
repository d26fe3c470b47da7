import type { AdapterContext, QueueStore } from '@switchyard/queue-api';
import { z } from 'zod';
import type { AnyAdapter } from '../../src/stores/load-adapter.ts';
import type { Clock } from '../../src/engine/clock.ts';
import { Script } from '../engine/script.ts';
import { ScriptedStore } from '../engine/scripted-store.ts';

/** An adapter for a scripted store, which is asked for as the test wants it. */
export function scriptedAdapter(clock: Clock, name = 'scripted') {
  const store = new ScriptedStore({ clock });
  const connecting = new Script<[unknown, AdapterContext], QueueStore>(() => store);
  const adapter: AnyAdapter = {
    contract: 1,
    store: name,
    config: z.strictObject({ url: z.string() }).optional(),
    connect: (config, context) => connecting.call(config, context),
  };
  return { adapter, store, connecting };
}
