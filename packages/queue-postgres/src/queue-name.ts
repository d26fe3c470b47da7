import type { QueueName } from '@switchyard/queue-api';

/**
 * What pg-boss calls a queue: `<plugin>/<name>`, or `<name>` outside of Backstage. Neither a name nor an encoded plugin has
 * a slash, so two queues never share one (rule 3). pg-boss takes letters, digits and `_ . - /`.
 */
export function queueName({ plugin, name }: QueueName): string {
  return plugin === '' ? name : `${encodePlugin(plugin)}/${name}`;
}

/** Dots stand around what they encode, and for nothing else. */
function encodePlugin(plugin: string): string {
  return plugin.replaceAll(/[^A-Za-z0-9_-]/gu, character => `.${(character.codePointAt(0) as number).toString(16)}.`);
}
