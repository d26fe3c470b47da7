import { aptInstall } from '../obtain/apt-install.ts';
import { findBinary } from '../obtain/find-binary.ts';
import { notHad } from '../obtain/not-had.ts';
import type { RedisOptions } from '../server-options.ts';
import { redisCommand } from '../wire/redis-command.ts';
import type { Kind } from './kind.ts';

export const redisImage = 'redis:8';

export const redis: Kind<'redis'> = {
  name: 'redis',
  variable: 'SWITCHYARD_TEST_REDIS_URL',
  url: ({ host, port }) => `redis://${host}:${port}`,

  async answers(address) {
    const reply = await redisCommand(address, 'PING').catch((error: Error) => {
      // A server that asks for a password is up.
      if (error.message.startsWith('NOAUTH')) return 'PONG';
      throw error;
    });
    if (reply !== 'PONG') throw new Error(`Redis answers PING with ${reply}`);
  },

  async prepare({ run, folder, port }, options) {
    const command = findRedis() ?? (await aptInstall(run, 'redis-server', findRedis));
    if (command === undefined)
      throw notHad(this, 'redis-server (or valkey-server) 7 or later on the PATH', 'redis-server');
    return { command, args: ['--bind', '127.0.0.1', '--dir', folder, ...redisArgs(port, options)] };
  },

  container: ({ port }, options) => ({
    image: redisImage,
    publish: [{ container: 6379, host: port }],
    command: ['redis-server', '--protected-mode', 'no', ...redisArgs(6379, options)],
  }),
};

export function redisArgs(port: number, { persistence = 'none', args = [] }: RedisOptions): string[] {
  const log = persistence === 'none' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', persistence];
  return ['--port', String(port), '--save', '', ...log, ...args];
}

function findRedis(): string | undefined {
  return findBinary('redis-server') ?? findBinary('valkey-server');
}
