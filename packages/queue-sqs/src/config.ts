import { z } from 'zod';
import { MESSAGE_BYTES } from './limits.ts';
import { deadNameBeside, nameAt } from './queue-names.ts';

const text = (what: string) => z.string({ error: `expected ${what}` }).min(1, { error: `expected ${what}` });

/** `${ENV}` yields strings. */
const boolean = z.preprocess(
  value => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean({ error: 'expected true or false' }),
);

/** Less would leave hardly any room beside what we write ourselves. */
const LEAST_BYTES = 64 * 1024;
const BYTES_EXPECTED = `expected a whole number of bytes from ${LEAST_BYTES} to ${MESSAGE_BYTES}`;
const bytes = z.preprocess(
  value => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
  z
    .int({ error: BYTES_EXPECTED })
    .min(LEAST_BYTES, { error: BYTES_EXPECTED })
    .max(MESSAGE_BYTES, { error: BYTES_EXPECTED }),
);

const ENDPOINT_EXPECTED = "expected a URL such as 'https://sqs.eu-central-1.amazonaws.com' or 'http://localhost:9324'";
const endpoint = z.string({ error: ENDPOINT_EXPECTED }).check(({ value, issues }) => {
  const parsed = URL.parse(value);
  const isUsable = parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '';
  if (!isUsable) issues.push({ code: 'custom', input: value, message: ENDPOINT_EXPECTED });
});

const URL_EXPECTED = "expected the URL of a queue, as in 'https://sqs.eu-central-1.amazonaws.com/123456789012/emails'";
const FIFO =
  'a FIFO queue cannot be used: it has no delays for single messages, and a job that waits for its retry would hold up all others of its group. Create a standard queue';
const queueUrl = z.string({ error: URL_EXPECTED }).check(({ value, issues }) => {
  const parsed = URL.parse(value);
  const leadsToQueue = parsed !== null && /^https?:$/.test(parsed.protocol) && /[^/]$/.test(parsed.pathname);
  const message = leadsToQueue ? (parsed.pathname.endsWith('.fifo') ? FIFO : undefined) : URL_EXPECTED;
  if (message !== undefined) issues.push({ code: 'custom', input: value, message });
});

const credentials = z.strictObject(
  {
    accessKeyId: text('an access key id'),
    secretAccessKey: text('a secret access key'),
    sessionToken: text('a session token').optional(),
  },
  { error: 'expected accessKeyId and secretAccessKey' },
);

const PREFIX_EXPECTED =
  'expected up to 40 letters, digits, hyphens and single underscores, with no underscore at either end';

/** What two queues would share. A URL that is wrong has been refused already. */
function sharing(url: string, other: { readonly queue: string; readonly url: string }): string | undefined {
  if (!URL.canParse(url) || !URL.canParse(other.url)) return undefined;
  if (url === other.url) return `this is the URL of ${other.queue} already, and two queues cannot share one`;
  const [name, otherName] = [nameAt(url), nameAt(other.url)];
  if (name === otherName) {
    return `${other.queue} has a queue of this name too, and the dead letters of both would be in ${deadNameBeside(name)}: give one of them another name`;
  }
  if (name === deadNameBeside(otherName) || otherName === deadNameBeside(name)) {
    return `one of this and the queue of ${other.queue} has the name that the dead letters of the other have`;
  }
  return undefined;
}

/**
 * `backend.queue.sqs`. Every key is optional: region and credentials then come from where all AWS programs look for them.
 */
export const configSchema = z.preprocess(
  // A section that is there and empty is `null` in YAML.
  value => value ?? {},
  z
    .strictObject(
      {
        region: text('the name of a region').optional(),
        endpoint: endpoint.optional(),
        credentials: credentials.optional(),
        autoCreate: boolean.default(true),
        queueNamePrefix: z
          .string({ error: PREFIX_EXPECTED })
          .max(40, { error: PREFIX_EXPECTED })
          .regex(/^[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*$/, { error: PREFIX_EXPECTED })
          .default('switchyard'),
        queues: z
          .record(
            z.string(),
            z.strictObject({ url: queueUrl }, { error: 'expected an object with the url of a queue' }),
            {
              error: 'expected queues by their names',
            },
          )
          .default({}),
        maxMessageBytes: bytes.default(MESSAGE_BYTES),
      },
      { error: 'expected the settings of the SQS store' },
    )
    .check(({ value, issues }) => {
      const seen: { readonly queue: string; readonly url: string }[] = [];
      for (const [queue, { url }] of Object.entries(value.queues)) {
        const message = seen.map(other => sharing(url, other)).find(problem => problem !== undefined);
        if (message !== undefined) issues.push({ code: 'custom', input: url, path: ['queues', queue, 'url'], message });
        seen.push({ queue, url });
      }
    }),
);

export type SqsConfig = z.output<typeof configSchema>;
