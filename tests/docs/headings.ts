import { codeBlocks } from './code-blocks.ts';
import type { Document } from './documents.ts';

export interface Heading {
  readonly title: string;
  /** What stands behind the `#` of a link to it, as GitHub makes it. */
  readonly anchor: string;
  readonly line: number;
}

export function headings(page: Document): Heading[] {
  const seen = new Map<string, number>();
  return proseLines(page).flatMap(({ content, line }) => {
    const [, title] = /^#{1,6}\s+(.*?)\s*$/.exec(content) ?? [];
    if (title === undefined) return [];
    const slug = slugOf(title);
    const earlier = seen.get(slug) ?? 0;
    seen.set(slug, earlier + 1);
    return [{ title, anchor: earlier === 0 ? slug : `${slug}-${earlier}`, line }];
  });
}

/** The lines of a page that are not in a block of code, with their numbers. */
export function proseLines(page: Document): { readonly content: string; readonly line: number }[] {
  const code = new Set<number>();
  for (const block of codeBlocks(page)) {
    const length = block.code.split('\n').length;
    for (let line = block.line - 1; line <= block.line + length; line++) code.add(line);
  }
  return page.text
    .split('\n')
    .map((content, index) => ({ content, line: index + 1 }))
    .filter(({ line }) => !code.has(line));
}

/** Small letters, without punctuation, hyphens for spaces. */
function slugOf(title: string): string {
  const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return plain.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
}
