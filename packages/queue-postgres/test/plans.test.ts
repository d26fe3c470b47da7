import { expect, it } from 'vitest';
import { exchange } from '../src/sql/exchange.ts';
import { extend } from '../src/sql/extend.ts';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';

const SETTINGS = ['seqscan', 'bitmapscan', 'sort', 'incremental_sort', 'mergejoin'].map(
  plan => `SET enable_${plan} = off`,
);

interface Node {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Node[];
}

function nodes(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodes)];
}

/** As the store's own connections do, but in a way that lets us see the plan. */
it('has plans, made while the table was empty, that are right for any table, and stay so', async () => {
  await using scene = await openStore();
  const { client, schema, queue } = scene;
  const table = { schema, name: 'job_common' };
  await client.query(`ALTER TABLE ${schema}.job_common SET (autovacuum_enabled = off)`);
  await client.query([...SETTINGS, 'SET plan_cache_mode = force_generic_plan', 'SET jit = off'].join('; '));
  const types =
    'text, tid[], uuid[], int[], tid[], uuid[], int[], text[], float8[], jsonb[], bigint, float8, bigint, text';
  await client.query(`PREPARE exchange (${types}) AS ${exchange(table).text}`);
  await client.query(`PREPARE extend (tid[], uuid[], int[], float8) AS ${extend(table).text}`);
  const none = Array.from({ length: 9 }, () => "'{}'").join(', ');
  const explain = async (call: string) => {
    await client.query('BEGIN');
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE ${call}`);
    await client.query('ROLLBACK');
    return nodes(rows[0]['QUERY PLAN'][0].Plan);
  };
  const explainExchange = () => explain(`exchange ('test/work', ${none}, 10, 30000, 1, 'channel')`);
  const explainExtend = () => explain(`extend ('{"(0,1)"}', '{${newJob().id}}', '{1}', 1000)`);
  const shape = (plan: Node[]) => plan.map(node => `${node['Node Type']} ${node['Index Name'] ?? ''}`.trim());

  const [whenEmpty, extendWhenEmpty] = [shape(await explainExchange()), shape(await explainExtend())];
  for (const one of [...whenEmpty, ...extendWhenEmpty])
    expect(one).not.toMatch(/^(Seq Scan|Bitmap|Sort|Incremental Sort)/);
  expect(
    whenEmpty
      .filter(one => one.startsWith('Index'))
      .map(one => one.split(' ').at(-1))
      .toSorted(),
  ).toEqual([
    ...Array.from({ length: 3 }, () => 'job_common_i11'),
    ...Array.from({ length: 4 }, () => 'job_common_i14'),
  ]);

  // Jobs that wait, that wait for their time, that are leased and that are dead: ten thousand of each.
  const many = (some: Partial<ReturnType<typeof newJob>>) => Array.from({ length: 1000 }, () => newJob(some));
  for (let round = 0; round < 10; round++) {
    await queue.enqueue(many({}), IN_TIME);
    await queue.enqueue(many({ priority: 1, delayMs: 3_600_000 }), IN_TIME);
    for (let turn = 0; turn < 5; turn++) await reserve(queue, { max: 200, leaseMs: 3_600_000 });
    await queue.enqueue(many({}), IN_TIME);
  }
  const letters = `UPDATE ${schema}.job_common SET state = 'failed', completed_on = now()
    WHERE id IN (SELECT id FROM ${schema}.job_common WHERE state = 'created' AND priority = -20 LIMIT 5000)`;
  await client.query(letters);

  for (const analyzed of [false, true]) {
    if (analyzed) await client.query(`ANALYZE ${schema}.job_common`);
    const plan = await explainExchange();
    expect({ analyzed, plan: shape(plan) }).toEqual({ analyzed, plan: whenEmpty });
    expect(shape(await explainExtend())).toEqual(extendWhenEmpty);
    const leased = plan.filter(node => node['Index Name'] === 'job_common_i11').map(node => node['Actual Rows'] ?? 0);
    expect(Math.max(...leased)).toBeLessThanOrEqual(10);
  }
}, 60_000);
