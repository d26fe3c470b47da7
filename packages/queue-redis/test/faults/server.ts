import { createHash } from 'node:crypto';
import type { ServerUnderTest } from '@switchyard/fault-kit';
import { ownServer } from '@switchyard/test-servers';
import { Redis } from 'ioredis';
import { enqueue } from '../../src/lua/enqueue.ts';
import { exchange } from '../../src/lua/exchange.ts';
import { optionsFor } from './place.ts';

export const redisUnderTest: ServerUnderTest = {
  server: 'redis',
  launch: () => ownServer('redis', { persistence: 'always' }),
  options: optionsFor,
  async killConnections(url) {
    const redis = new Redis(url);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    redis.disconnect();
  },
  requests: { add: sha1(enqueue), reserve: sha1(exchange), settle: sha1(exchange) },
};

/** How `EVALSHA` names a script. */
function sha1(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}
