import { expect, it } from 'vitest';
import { statementsFor } from '../src/sql/statements.ts';
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
  const statements = statementsFor(table);
  const acknowledged = 'text, tid[], text[], bigint, float8';
  const returned = 'tid[], uuid[], int[], text[], float8[], jsonb[], bigint, text';
  await client.query(`PREPARE acks (${acknowledged}) AS ${statements.exchange.text}`);
  await client.query(`PREPARE mixed (${acknowledged}, ${returned}) AS ${statements.exchangeAll.text}`);
  await client.query(`PREPARE lease (text, bigint, float8) AS ${statements.lease.text}`);
  await client.query(`PREPARE extend (tid[], uuid[], int[], float8) AS ${statements.extend.text}`);
  await client.query(`PREPARE take_back (text, bigint, text) AS ${statements.takeBack.text}`);
  const acks = `'test/work', '{}', '{}', 10, 30000`;
  const CALLS = [
    `acks (${acks})`,
    `mixed (${acks}, '{}', '{}', '{}', '{}', '{}', '{}', 1, 'channel')`,
    `lease ('test/work', 10, 30000)`,
    `extend ('{"(0,1)"}', '{${newJob().id}}', '{1}', 1000)`,
    `take_back ('test/work', 1, 'channel')`,
  ];
  const explain = async (call: string) => {
    await client.query('BEGIN');
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE ${call}`);
    await client.query('ROLLBACK');
    return nodes(rows[0]['QUERY PLAN'][0].Plan);
  };
  const shape = (plan: Node[]) => plan.map(node => `${node['Node Type']} ${node['Index Name'] ?? ''}`.trim());

  const shapes = async () => {
    const found: string[][] = [];
    for (const call of CALLS) found.push(shape(await explain(call)));
    return found;
  };

  const whenEmpty = await shapes();
  for (const one of whenEmpty.flat()) expect(one).not.toMatch(/^(Seq Scan|Bitmap|Sort|Incremental Sort)/);
  const indexes = whenEmpty.map(plan =>
    plan.flatMap(one => /^Index .*job_common_(\w+)/.exec(one)?.[1] ?? []).toSorted(),
  );
  const leasing = ['i11', 'i11', 'i11', 'i14', 'i14', 'i14'];
  expect(indexes).toEqual([['i11'], ['i11'], leasing, [], ['i14']]);

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
    expect({ analyzed, plans: await shapes() }).toEqual({ analyzed, plans: whenEmpty });
    for (const call of CALLS.slice(0, 3)) {
      const plan = await explain(call);
      const lookedAt = plan
        .filter(node => node['Index Name'] === 'job_common_i11')
        .map(node => node['Actual Rows'] ?? 0);
      expect(Math.max(...lookedAt)).toBeLessThanOrEqual(10);
    }
  }
}, 60_000);
