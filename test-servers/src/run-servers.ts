// `npm run servers`: real servers for work by hand, until Ctrl-C. `npm run servers -- redis postgres`: only those.
import { KEEPER_VARIABLE } from './keeper/connection.ts';
import { startKeeper } from './keeper/start-keeper.ts';
import { kinds } from './kinds/index.ts';
import type { ServerName } from './kinds/kind.ts';
import { testServer } from './test-server.ts';

const known = Object.keys(kinds) as ServerName[];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known;
const names = known.filter(name => wanted.includes(name));
if (names.length < wanted.length) {
  console.error(`There are only these servers: ${known.join(', ')}`);
  process.exit(1);
}

const keeper = await startKeeper();
process.env[KEEPER_VARIABLE] = keeper.socket;
// Until a signal comes nothing else would keep this process.
const waiting = setInterval(() => {}, 60_000);

async function end(exitCode: number) {
  clearInterval(waiting);
  await keeper.stop();
  process.exit(exitCode);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end(0));

try {
  await Promise.all(
    names.map(async name => {
      const { env } = await testServer(name);
      for (const [variable, url] of Object.entries(env)) process.stdout.write(`export ${variable}=${url}\n`);
    }),
  );
  console.error('Ctrl-C stops them and deletes their data.');
} catch (error) {
  console.error(error);
  await end(1);
}
