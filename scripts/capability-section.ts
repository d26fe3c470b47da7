import { memoryAdapter } from '@switchyard/queue-memory';
import { capabilityTable } from '@switchyard/queue-conformance';
import { format, resolveConfig } from 'prettier';

const SECTION = /(?<=<!-- capabilities:begin -->\n)[^]*?(?=<!-- capabilities:end -->)/;

/** What a page says that stores can do. */
export function capabilitySection(page: string): string {
  const [section] = SECTION.exec(page) ?? [];
  if (section === undefined)
    throw new Error('There is no <!-- capabilities:begin --> before a <!-- capabilities:end -->');
  return section;
}

/** The page with the table as the stores of today have it. */
export async function renewCapabilitySection(page: string): Promise<string> {
  const { capabilities } = await memoryAdapter.connect(undefined, {
    instance: 'docs',
    deadLetters: { maxAgeMs: 0, maxCount: 0 },
    report: () => {},
  });
  const renewed = page.replace(SECTION, () => `\n${capabilityTable({ memory: capabilities })}\n`);
  const options = await resolveConfig(new URL('../package.json', import.meta.url));
  return format(renewed, { ...options, parser: 'markdown' });
}
