import type { Readable } from 'node:stream';

/** Not `node:readline`: there the error of a connection comes up a second time, where nobody expects it. */
export function onLine(stream: Readable, heed: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) heed(line);
  });
}
