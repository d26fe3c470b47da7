// npm run bench -- <store> [--rounds 3] [--only <part of a workload's name>] [--among <parts of contestants' names>]
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { testServer, type ServerName } from '@switchyard/test-servers';
import { BASELINES, STORES } from './stores.ts';
import { type Series, table } from './table.ts';
import type { Measure } from './workload.ts';
import { workloadsFor } from './workloads/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    among: { type: 'string', default: '' },
  },
});
const [store = 'memory'] = positionals;
const all = STORES[store];
if (all === undefined) {
  console.error(`There is no benchmark for store '${store}': choose from ${Object.keys(STORES).join(', ')}`);
  process.exit(1);
}

const parts = values.among.split(',');
const contestants = all.filter(({ name }) => parts.some(part => name.includes(part)));

// One server for all; the children find it by the environment that this leaves behind.
if (store !== 'memory') await testServer(store as ServerName);

/** kafkajs sets timers that lie in the past, which Node says each time. */
const FLAGS = ['--expose-gc', '--disable-warning=TimeoutNegativeWarning'];
const child = fileURLToPath(new URL('child.ts', import.meta.url));
const series: Series[] = [];

function record(contestant: string, measure: Measure): void {
  let one = series.find(known => known.contestant === contestant && known.measure.name === measure.name);
  if (one === undefined) series.push((one = { contestant, measure, values: [] }));
  one.values.push(measure.value);
}

for (const workload of workloadsFor(store).filter(({ name }) => name.includes(values.only))) {
  for (let round = 1; round <= Number(values.rounds); round++) {
    // In turn, so that whatever the machine does meanwhile happens to all of them.
    for (const { name } of contestants) {
      process.stderr.write(`\r\x1b[K${workload.name}, round ${round}: ${name}`);
      const output = execFileSync(process.execPath, [...FLAGS, child, store, name, workload.name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      for (const measure of JSON.parse(output) as Measure[]) record(name, measure);
    }
  }
}

const memory = Math.round(totalmem() / 2 ** 30);
process.stderr.write('\r\x1b[K');
console.log(`Store ${store}, median (least–most) of ${values.rounds} rounds, ratios round by round.`);
console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, ${memory} GiB, Node ${process.version}\n`,
);
console.log(
  table(
    contestants.map(({ name }) => name),
    series,
    BASELINES[store]?.name,
  ),
);
