import type { Kind, ServerName } from './kind.ts';
import { kafka } from './kafka.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { sqs } from './sqs.ts';

export const kinds: { readonly [Name in ServerName]: Kind<Name> } = { redis, postgres, kafka, sqs };
