import { expect, it } from 'vitest';
import { capabilitySection, renewCapabilitySection } from '../../scripts/capability-section.ts';
import { document } from './documents.ts';

const { text } = document('docs/choosing-a-store.md');

it('shows what the stores can do today; otherwise run `npm run docs:capabilities`', async () => {
  expect(capabilitySection(text)).toBe(capabilitySection(await renewCapabilitySection(text)));
});

it('replaces a table that is out of date, and nothing else', async () => {
  const stale = text.replace(capabilitySection(text), '\n| | memory |\n| --- | --- |\n| `durable` | yes |\n\n');
  const renewed = await renewCapabilitySection(stale);
  expect(renewed).not.toBe(stale);
  expect(renewed).toBe(text);
});
