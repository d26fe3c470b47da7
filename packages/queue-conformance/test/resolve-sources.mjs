// For tests that run outside vitest: `node --import ./resolve-sources.mjs file.ts` finds the workspace's packages at
// their sources, as vitest does.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { workspaceSources } from '../../../scripts/workspace-sources.mjs';

const sources = workspaceSources();

registerHooks({
  resolve(specifier, context, nextResolve) {
    const source = sources.find(({ find }) => find.test(specifier));
    return nextResolve(source ? pathToFileURL(source.replacement).href : specifier, context);
  },
});
