import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../../', import.meta.url));

// What is found depends on where packages lie on the disk, so this compiles the package and lays them out for real:
// `store` is what a package manager that does not hoist (pnpm) shows queue-api, `app` what it shows the application.
let root: string;
const queueApi = () => join(root, 'store/node_modules/@switchyard/queue-api');
const app = () => join(root, 'app');

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'queue-api-')));
  const tsc = (folder: string, ...options: string[]) => {
    const project = ['-p', join(repository, 'packages/queue-api'), '--outDir', join(queueApi(), 'dist', folder)];
    return run(join(repository, 'node_modules/.bin/tsc'), [...project, ...options]);
  };
  await tsc('esm');
  await tsc('cjs', '--module', 'commonjs', '--moduleResolution', 'bundler');
  await writeFile(join(queueApi(), 'dist/cjs/package.json'), '{ "type": "commonjs" }');
  await writeFile(join(queueApi(), 'package.json'), '{ "type": "module" }');
  await mkdir(join(root, 'store/node_modules/@backstage'));
  const backstage = 'node_modules/@backstage/backend-plugin-api';
  await symlink(join(repository, backstage), join(root, 'store', backstage));
}, 60_000);

afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  await rm(app(), { recursive: true, force: true });
  await rm(join(root, 'store/node_modules/@switchyard/queue-service'), { recursive: true, force: true });
  await mkdir(app());
});

/** Puts a stand-in for `@switchyard/queue-service` there, ESM and CommonJS as the real one is. */
async function installQueueService(folder: string, { needs = 'node:fs' } = {}) {
  const path = join(root, folder, 'node_modules/@switchyard/queue-service');
  await mkdir(path, { recursive: true });
  const exports = { './backstage': { import: './backstage.mjs', require: './backstage.cjs' } };
  await writeFile(join(path, 'package.json'), JSON.stringify({ exports }));
  await writeFile(join(path, 'backstage.mjs'), `import '${needs}'; export default 'the factory';`);
  await writeFile(
    join(path, 'backstage.cjs'),
    `require('${needs}'); Object.assign(exports, { __esModule: true, default: 'the factory' });`,
  );
}

describe.each([
  { format: 'esm', load: (file: string) => `const api = await import(${JSON.stringify(file)})`, extension: 'mjs' },
  { format: 'cjs', load: (file: string) => `const api = require(${JSON.stringify(file)})`, extension: 'cjs' },
])('the default factory of queueServiceRef ($format)', ({ format, load, extension }) => {
  async function loadDefaultFactory(
    cwd = app(),
  ): Promise<{ loaded?: unknown; error?: { name: string; message: string } }> {
    const program = join(app(), `program.${extension}`);
    const print = 'value => console.log(JSON.stringify(value))';
    await writeFile(
      program,
      `${load(join(queueApi(), 'dist', format, 'backstage.js'))};
       api.queueServiceRef.__defaultFactory(api.queueServiceRef)
         .then(loaded => ({ loaded }), ({ name, message }) => ({ error: { name, message } }))
         .then(${print});`,
    );
    const { stdout } = await run(process.execPath, [program], { cwd });
    return JSON.parse(stdout);
  }

  it('says what to install where the queue service is missing', async () => {
    const { error } = await loadDefaultFactory();
    expect(error?.name).toBe('QueueConfigError');
    expect(error?.message).toContain('npm install @switchyard/queue-service');
  });

  it('finds the queue service beside this package', async () => {
    await installQueueService('store');
    expect(await loadDefaultFactory()).toEqual({ loaded: 'the factory' });
  });

  it('finds a queue service that only the application can see', async () => {
    await installQueueService('app');
    expect(await loadDefaultFactory()).toEqual({ loaded: 'the factory' });
    expect(await loadDefaultFactory(dirname(root))).toEqual({ loaded: 'the factory' });
  });

  it('does not take a queue service that cannot be loaded for a missing one', async () => {
    for (const folder of ['app', 'store']) {
      await installQueueService(folder, { needs: 'something-it-needs' });
      const { error } = await loadDefaultFactory();
      expect(error?.message).toMatch(/^Cannot find (module|package) 'something-it-needs'/);
    }
  });
});
