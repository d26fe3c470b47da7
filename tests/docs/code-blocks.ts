import type { Document } from './documents.ts';

/** A fenced block of code on a page. */
export interface CodeBlock {
  readonly path: string;
  /** The line of the page on which its code begins; the first is 1. */
  readonly line: number;
  /** What follows the fence: `ts`, `yaml`, … */
  readonly language: string;
  readonly code: string;
  /** What a `<!-- run: expects "…" -->` right above says that it prints. */
  readonly expects: string | undefined;
}

const FENCE = /^(\s*)(`{3,})(.*)$/;
const RUN = /^\s*<!-- run: expects "(.+)" -->\s*$/;

/** The blocks of a page, in order. */
export function codeBlocks({ path, text }: Document): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { indent: number; fence: string; language: string; line: number; lines: string[] } | undefined;
  let expects: string | undefined;
  for (const [index, content] of text.split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = FENCE.exec(content) ?? [];
    if (open === undefined && fence !== '') {
      open = { indent: indent.length, fence, language: info.trim(), line: index + 2, lines: [] };
    } else if (open !== undefined && fence === open.fence && info.trim() === '') {
      const { line, language, lines } = open;
      blocks.push({ path, line, language, code: lines.join('\n'), expects });
      open = undefined;
      expects = undefined;
    } else if (open !== undefined) {
      open.lines.push(content.slice(open.indent));
    } else if (content.trim() !== '') {
      expects = RUN.exec(content)?.[1];
    }
  }
  return blocks;
}

/** Code in TypeScript. */
export function isTypeScript({ language }: CodeBlock): boolean {
  return /^(ts|typescript)$/.test(language);
}

/**
 * The code with as many empty lines in front as the page has above it, so that a compiler or a stack trace counts lines as
 * the page does.
 */
export function asFile({ code, line }: CodeBlock): string {
  return '\n'.repeat(line - 1) + code;
}
