import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../../examples/backstage-backend/test/free-port.ts';
import { startProgram } from '../../examples/standalone/test/start-program.ts';
import { codeBlocks, isTypeScript } from './code-blocks.ts';
import { document, root } from './documents.ts';
import { scratchFolder } from './scratch-folder.ts';

it('runs the Backstage example of the README as it is printed', { timeout: 90_000 }, async () => {
  const blocks = codeBlocks(document('README.md'))
    .filter(isTypeScript)
    .map(({ code }) => code);
  const plugin = blocks.find(code => code.includes('createBackendPlugin')) ?? '';
  const backend = blocks.find(code => code.includes('createBackend()')) ?? '';
  expect(plugin).toContain("import { coreServices } from '@switchyard/queue-api/backstage'");

  using folder = scratchFolder();
  writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder.path, 'plugin.ts'), plugin);
  // The one line that is not printed there: a backend adds its plugins.
  const start = 'await backend.start()';
  expect(backend).toContain(start);
  writeFileSync(join(folder.path, 'index.ts'), backend.replace(start, `backend.add(import('./plugin.ts'));\n${start}`));

  const config = join(root, 'examples/backstage-backend/app-config.yaml');
  const env = { PORT: String(await freePort()) };
  await using program = startProgram(folder.path, ['index.ts', '--config', config], env);
  await program.prints('Mail to ada@example.com sent');
  program.terminate();
  expect(await program.exit).toEqual({ code: 0, signal: null });
});
