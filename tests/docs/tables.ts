import type { Document } from './documents.ts';

/** The cells of the first table under a heading, without the header, without the backquotes of code. */
export function tableRows({ path, text }: Document, heading: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex(line => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
  const first = lines.findIndex((line, index) => index > start && line.startsWith('|'));
  if (start < 0 || first < 0) throw new Error(`${path} has no table under '${heading}'`);
  const rest = lines.slice(first + 2);
  const end = rest.findIndex(line => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? undefined : end).map(cells);
}

function cells(line: string): string[] {
  const inner = line.trim().slice(1, -1);
  return inner.split(/(?<!\\)\|/).map(cell => cell.trim().replace(/^`([^`]*)`$/, '$1'));
}
