import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findJava } from '../obtain/find-java.ts';
import { mavenLibrary } from '../obtain/maven-library.ts';
import type { Kind } from './kind.ts';

/** Amazon's own protocol, spoken by ElasticMQ. */
export const sqs: Kind<'sqs'> = {
  name: 'sqs',
  variable: 'SWITCHYARD_TEST_SQS_ENDPOINT',
  url: ({ host, port }) => `http://${host}:${port}`,

  async answers(address) {
    const body = new URLSearchParams({ Action: 'ListQueues', Version: '2012-11-05' });
    const response = await fetch(this.url(address), { method: 'POST', body, signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`ElasticMQ answers ListQueues with ${response.status}: ${await response.text()}`);
  },

  async prepare({ run, folder, port }, { persistence = false }) {
    const java = findJava(this);
    const libraries = join(await mavenLibrary(run, this), '*');
    const config = join(folder, 'elasticmq.conf');
    writeFileSync(config, configuration('127.0.0.1', port, persistence ? join(folder, 'messages') : undefined));
    const jvm = ['-Xmx512m', '-XX:+UseSerialGC', `-Dconfig.file=${config}`];
    const args = [...jvm, '-cp', libraries, 'org.elasticmq.server.Main'];
    // In good order it would listen no more, but answer all long polls first: twenty seconds.
    return { command: java, args, stopMs: 1000 };
  },

  container: ({ port }, { persistence = false }) => ({
    image: 'softwaremill/elasticmq:1.7.1',
    publish: [{ container: 9324, host: port }],
    files: { '/opt/elasticmq.conf': configuration('0.0.0.0', 9324, persistence ? '/opt/messages' : undefined) },
  }),
};

/**
 * `*` makes queue URLs lead to where the request came in, so that they stay good behind a proxy or a published port.
 * `database`: a file to keep queues and messages in; each write is on its way to the disk before it is answered.
 */
function configuration(bind: string, port: number, database: string | undefined): string {
  const storage =
    database === undefined ? '' : `messages-storage { enabled = true, uri = "jdbc:h2:${database};WRITE_DELAY=0" }`;
  return `
include classpath("application.conf")
node-address { protocol = http, host = "*", port = ${port} }
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "${bind}", sqs-limits = strict }
rest-stats { enabled = false }
${storage}
`;
}
