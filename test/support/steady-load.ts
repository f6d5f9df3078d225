import { Agent, type IncomingMessage, request } from 'node:http';

type Kind = 'health' | 'whole' | 'stream';

export interface SteadyLoad {
  /** Sends nothing more, and waits for what is open. */
  stop(): Promise<{
    /** A line for each request without the whole response. */
    readonly failures: readonly string[];
    /** Whole responses, by kind. */
    readonly ended: ReadonlyMap<Kind, number>;
  }>;
}

/**
 * About 30 requests a second over kept connections, each with its whole response: of `/health`, and
 * of a model that responds with `words`, as JSON and as a stream.
 */
export function startSteadyLoad(
  url: string,
  words: readonly string[],
  headers: Record<string, string> = {},
): SteadyLoad {
  // The connection that is idle for longest is next, so that none is idle for long.
  const agent = new Agent({ keepAlive: true, maxSockets: 12, scheduling: 'fifo' });
  const failures: string[] = [];
  const ended = new Map<Kind, number>();
  const open = new Set<Promise<void>>();
  const send = (kind: Kind, path: string, body: object | undefined, check: (text: string) => boolean) => {
    const one = exchange(agent, url + path, body, headers)
      .then(({ status, text }) => {
        if (status === 200 && check(text)) ended.set(kind, (ended.get(kind) ?? 0) + 1);
        else failures.push(`${kind}: ${status} ${text.slice(-300)}`);
      })
      .catch((error: NodeJS.ErrnoException) => void failures.push(`${kind}: ${error.code ?? error.message}`));
    open.add(one);
    void one.finally(() => open.delete(one));
  };
  let count = 0;
  const chat = (stream: boolean) => ({ messages: [{ role: 'user', content: `question ${++count}` }], stream });
  const timer = setInterval(() => {
    send('health', '/health', undefined, (text) => text.includes('healthy'));
    send('whole', '/api/chat-optimized', chat(false), (text) => JSON.parse(text).message.content === words.join(''));
    send('stream', '/api/chat-optimized', chat(true), (text) => {
      const events = text.split('\n\n').filter((line) => line !== '');
      const parsed = events.map((line) => JSON.parse(line.slice('data: '.length)));
      const said = parsed.map(({ content = '' }) => content).join('');
      return said === words.join('') && parsed.at(-1).done === true && parsed.at(-1).error === undefined;
    });
  }, 100);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { failures, ended };
    },
  };
}

function exchange(
  agent: Agent,
  url: string,
  body: object | undefined,
  own: Record<string, string>,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? own : { 'content-type': 'application/json', ...own };
    const outgoing = request(url, { agent, method: body === undefined ? 'GET' : 'POST', headers });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming: IncomingMessage) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
