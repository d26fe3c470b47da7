import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { testServer } from '@switchyard/test-servers';

/** A request as SQS would see it. */
export interface SeenRequest {
  /** What an IAM policy calls it, `SendMessage` for a batch too. */
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** By `performance.now()`. */
  readonly at: number;
}

/**
 * What becomes of a request: it is passed on; it is passed on and its answer is lost with the connection; it is never
 * passed on nor answered; or it is answered here.
 */
export type Fate = 'pass' | 'lose-reply' | 'swallow' | Answer;

export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** A proxy that understands SQS, in front of a test server. */
export interface RequestProxy extends AsyncDisposable {
  readonly url: string;
  /** Everything that came, in order. */
  readonly seen: SeenRequest[];
  /** Decides about each request. Default: pass. */
  decide: (request: SeenRequest) => Fate;
  /** Changes what the server answered. Default: not at all. */
  rewrite: (request: SeenRequest, answer: Answer) => Answer;
  count(action?: string): number;
}

export function refusal(status: number, code: string, message: string = code): Answer {
  return { status, body: { __type: `com.amazonaws.sqs#${code}`, message } };
}

/** As AWS words it. */
export function denial(action: string): Answer {
  const user = 'arn:aws:iam::123456789012:user/test';
  const message = `User: ${user} is not authorized to perform: sqs:${action.toLowerCase()} on resource: arn:aws:sqs:x:1:y`;
  return refusal(403, 'AccessDeniedException', message);
}

export async function requestProxy(): Promise<RequestProxy> {
  const upstream = new URL((await testServer('sqs')).url);
  const seen: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const proxy: RequestProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    decide: () => 'pass',
    rewrite: (_, answer) => answer,
    count: action => seen.filter(request => action === undefined || request.action === action).length,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse) {
    const text = await read(incoming);
    const target = String(incoming.headers['x-amz-target']);
    const action = target.replace(/^AmazonSQS\./, '').replace(/Batch$/, '');
    const request: SeenRequest = { action, input: JSON.parse(text) as Record<string, unknown>, at: performance.now() };
    seen.push(request);
    const fate = proxy.decide(request);
    if (fate === 'swallow') return;
    const answer = typeof fate === 'object' ? fate : await forward(incoming, text);
    if (fate === 'lose-reply' || answer === undefined) incoming.socket.resetAndDestroy();
    else send(outgoing, typeof fate === 'object' ? answer : proxy.rewrite(request, answer));
  }

  /** With the host it was meant for, so that queue URLs lead here as well. */
  async function forward(incoming: IncomingMessage, text: string): Promise<Answer | undefined> {
    const { method = 'POST', url: path = '/', headers } = incoming;
    try {
      const passed = httpRequest({ host: upstream.hostname, port: upstream.port, method, path, headers });
      passed.end(text);
      const [answer] = (await once(passed, 'response')) as [IncomingMessage];
      return { status: answer.statusCode ?? 500, body: JSON.parse((await read(answer)) || '{}') as object };
    } catch {
      return undefined;
    }
  }

  return proxy;
}

async function read(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function send(outgoing: ServerResponse, { status, body }: Answer): void {
  const type = 'application/x-amz-json-1.0';
  outgoing.writeHead(status, { 'content-type': type, date: new Date().toUTCString() }).end(JSON.stringify(body));
}
