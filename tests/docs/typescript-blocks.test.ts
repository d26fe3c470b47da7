import { expect, it } from 'vitest';
import { codeBlocks, isTypeScript } from './code-blocks.ts';
import { documents } from './documents.ts';
import { typeCheck } from './type-check.ts';

const blocks = documents().flatMap(codeBlocks);

it('compiles every TypeScript block of the documentation', { timeout: 120_000 }, () => {
  const sources = blocks.filter(isTypeScript);
  expect(sources.length).toBeGreaterThan(20);
  expect(typeCheck(sources)).toEqual([]);
});

it('reports a block that does not compile with its page and line', { timeout: 120_000 }, () => {
  const text = [
    '# A page',
    '',
    '```ts',
    "import { createQueueService } from '@switchyard/queue-service';",
    '',
    'const service = createQueueService();',
    "const queue = await service.getQueue<{ to: string }>('emails');",
    'await queue.add({ too: 1 });',
    '```',
  ].join('\n');
  const found = typeCheck(codeBlocks({ path: 'docs/a-page.md', text }));
  expect(found[0]).toMatch(/^docs\/a-page\.md:8:\d+: error TS\d+:/);
});

it('has no block of JavaScript, which nobody would check', () => {
  expect(blocks.filter(({ language }) => /^(js|javascript|tsx|jsx|mjs|cjs)\b/.test(language))).toEqual([]);
});
