import { parseQueueConfig } from '../src/config/queue-config.ts';
import type { Logger } from '../src/engine/reporter.ts';
import { QueueManager } from '../src/queue-manager.ts';
import { ManualClock } from '../src/testing/manual-clock.ts';
import { half } from './engine/world.ts';
import { scriptedAdapter } from './stores/scripted-adapter.ts';

/** A manager whose default store is scripted. */
export function scriptedManager(config: object = {}) {
  const clock = new ManualClock();
  const scripted = scriptedAdapter(clock);
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const manager = QueueManager.create(
    parseQueueConfig({ defaultStore: 'scripted', ...config }, 'backend.queue'),
    { logger, adapters: [scripted.adapter] },
    { clock, random: half },
  );
  return { ...scripted, clock, lines, manager, service: manager.forPlugin('p') };
}
