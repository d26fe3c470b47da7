import { SQSClient } from '@aws-sdk/client-sqs';
import { QueueConfigError } from '@switchyard/queue-api';
import type { SqsConfig } from './config.ts';

const CONNECT_TIMEOUT_MS = 5000;
/**
 * A connection that was idle for so long is not used again: SQS may be about to close it, and of a request that it closes
 * under nobody can say what became of it.
 */
const IDLE_MS = 5000;

/** Every long poll takes a connection for twenty seconds: with a limit those of some queues would keep others from adding. */
const AGENT = { keepAlive: true, maxSockets: Infinity, timeout: IDLE_MS };

/** The client that all queues of the process share. Rejects where no region is to be found. */
export async function createClient({ region, endpoint, credentials }: SqsConfig): Promise<SQSClient> {
  const client = new SQSClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials: withoutUndefined(credentials) }),
    // Only the engine knows what may be tried again, and when: the SDK would send a job twice and wait without being asked.
    maxAttempts: 1,
    requestHandler: { httpAgent: AGENT, httpsAgent: AGENT, connectionTimeout: CONNECT_TIMEOUT_MS },
    // One wrong sum would throw away all ten messages of an answer. What arrives over TLS arrives whole.
    md5: false,
  });
  try {
    await client.config.region();
  } catch (cause) {
    client.destroy();
    const message = 'The SQS store does not know its region: set sqs.region, or AWS_REGION in the environment';
    throw new QueueConfigError(message, { cause });
  }
  rememberServerTime(client);
  return client;
}

/** When SQS wrote an answer, in ms since the epoch by its own clock, in whole seconds: never later than it was. */
export function serverTimeOf(output: object): number {
  return serverTimes.get(output) ?? 0;
}

const serverTimes = new WeakMap<object, number>();

function rememberServerTime(client: SQSClient): void {
  client.middlewareStack.add(
    next => async args => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      if (result.output !== undefined) serverTimes.set(result.output, Date.parse(headers?.['date'] ?? '') || 0);
      return result;
    },
    // Outside of what reads the answer: within, there is none yet.
    { step: 'deserialize', priority: 'high', name: 'rememberServerTime' },
  );
}

function withoutUndefined({ sessionToken, ...keys }: NonNullable<SqsConfig['credentials']>) {
  return { ...keys, ...(sessionToken !== undefined && { sessionToken }) };
}
