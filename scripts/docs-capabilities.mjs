// `npm run docs:capabilities`: writes the table of what stores can do into docs/choosing-a-store.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { ready } from './ready.mjs';

ready();

const { renewCapabilitySection } = await import('./capability-section.ts');
const page = new URL('../docs/choosing-a-store.md', import.meta.url);
writeFileSync(page, await renewCapabilitySection(readFileSync(page, 'utf8')));
