import { expect, it } from 'vitest';
import { document } from './documents.ts';
import { headings } from './headings.ts';

/** The source says which codes there are: at run time the interface is gone. */
function codesInSource(): Map<string, string> {
  const { text } = document('packages/queue-api/src/errors.ts');
  const [, body = ''] = /export interface QueueErrorsByCode \{([^}]*)\}/.exec(text) ?? [];
  return new Map([...body.matchAll(/'?([a-z-]+)'?: (\w+);/g)].map(([, code = '', type = '']) => [code, type]));
}

/** Each code that has a section, and the class that the section begins with. */
function codesInDocs(): Map<string, string> {
  const page = document('docs/errors.md');
  const lines = page.text.split('\n');
  const sections = headings(page).filter(({ title }) => /^`[a-z-]+`$/.test(title));
  return new Map(
    sections.map(({ title, line }) => {
      const text = lines.slice(line).find(content => content.trim() !== '') ?? '';
      return [title.replaceAll('`', ''), /^`(\w+)`/.exec(text)?.[1] ?? `nothing, but "${text}"`];
    }),
  );
}

it('explains every error code under its own heading, with the class that carries it', () => {
  const source = codesInSource();
  expect(source.get('invalid-config')).toBe('QueueConfigError');
  expect(Object.fromEntries(codesInDocs())).toEqual(Object.fromEntries(source));
});
