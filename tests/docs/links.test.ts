import { expect, it } from 'vitest';
import { document, documents } from './documents.ts';
import { brokenBecause, relativeLinks } from './links.ts';

const pages = documents();

it('has no link that leads nowhere', () => {
  const links = pages.flatMap(relativeLinks);
  expect(links.length).toBeGreaterThan(40);
  const broken = links.flatMap(link => {
    const reason = brokenBecause(link);
    return reason === undefined ? [] : [`${link.from}: ${link.target}: ${reason}`];
  });
  expect(broken).toEqual([]);
});

it.each([
  ['nowhere.md', 'there is no such file'],
  ['errors.md#no-such-code', 'there is no such heading'],
  ['../../elsewhere.md', 'leads out of the repository'],
  ['errors.md#invalid-config', undefined],
  ['../README.md', undefined],
])('knows whether a link to %s from docs leads somewhere', (target, reason) => {
  const [link] = relativeLinks({ path: 'docs/a-page.md', text: `See [there](${target}).` });
  expect(link && brokenBecause(link)).toBe(reason);
});

it('lists every page of docs in the index', () => {
  const listed = new Set(relativeLinks(document('docs/README.md')).map(({ path }) => path));
  const existing = pages.map(({ path }) => path).filter(path => path.startsWith('docs/') && path !== 'docs/README.md');
  expect(existing.filter(path => !listed.has(path))).toEqual([]);
});
