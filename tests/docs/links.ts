import { dirname, join, normalize } from 'node:path/posix';
import { document, type Document, exists } from './documents.ts';
import { headings, proseLines } from './headings.ts';

/** A link from one page to another file of the repository, or to a heading. */
export interface Link {
  /** `docs/errors.md:12`. */
  readonly from: string;
  readonly target: string;
  /** Relative to the root. */
  readonly path: string;
  readonly anchor: string | undefined;
}

const INLINE = /\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g;
const REFERENCE = /^\s*\[[^\]]+\]:\s+<?([^\s>]+)>?/;
const ELSEWHERE = /^[a-z][a-z+.-]*:/i;

/** The relative links of a page. A link may be broken over two lines. */
export function relativeLinks(page: Document): Link[] {
  const lines = proseLines(page).map(({ content, line }) => ({ content: content.replace(/`[^`]*`/g, '`'), line }));
  const targets = lines.flatMap(({ content, line }) => {
    const found = [...content.matchAll(INLINE)].map(([, target = '']) => target);
    const reference = REFERENCE.exec(content)?.[1];
    return [...found, ...(reference === undefined ? [] : [reference])].map(target => ({ target, line }));
  });
  return targets
    .filter(({ target }) => !ELSEWHERE.test(target))
    .map(({ target, line }) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page.path : normalize(join(dirname(page.path), decodeURI(file)));
      return { from: `${page.path}:${line}`, target, path, anchor };
    });
}

/** What is wrong with a link; `undefined` when it leads somewhere. */
export function brokenBecause({ path, anchor }: Link): string | undefined {
  if (path.startsWith('..')) return 'leads out of the repository';
  if (!exists(path)) return 'there is no such file';
  if (anchor === undefined) return undefined;
  if (!path.endsWith('.md')) return 'only pages have headings';
  return headings(document(path)).some(heading => heading.anchor === anchor) ? undefined : 'there is no such heading';
}
