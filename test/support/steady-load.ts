import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

type Kind = 'health' | 'whole' | 'stream' | 'queued';
/** A server that does not reach Redis for a moment. Clients wait, as its reply says. */
const RETRY_MS = 500;
const RETRIES = 20;

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
 * of a model that responds with `words`, as JSON and as a stream. 50 a second with `hasQueue`: then
 * requests of the queue are submitted too, and read by their ids.
 */
export function startSteadyLoad(
  url: string,
  words: readonly string[],
  headers: Record<string, string> = {},
  { hasQueue = false } = {},
): SteadyLoad {
  // The connection that is idle for longest is next, so that none is idle for long.
  const agent = new Agent({ keepAlive: true, maxSockets: hasQueue ? 24 : 12, scheduling: 'fifo' });
  const failures: string[] = [];
  const ended = new Map<Kind, number>();
  const open = new Set<Promise<void>>();
  const text = words.join('');
  /** Null is no part of the figures. */
  const track = (kind: Kind, exchanged: Promise<string | undefined | null>) => {
    const one = exchanged
      .then((problem) => {
        if (problem === null) return;
        if (problem === undefined) ended.set(kind, (ended.get(kind) ?? 0) + 1);
        else failures.push(`${kind}: ${problem}`);
      })
      .catch((error: NodeJS.ErrnoException) => void failures.push(`${kind}: ${error.code ?? error.message}`));
    open.add(one);
    void one.finally(() => open.delete(one));
  };
  const send = async (path: string, body: object | undefined, isWhole: (text: string) => boolean) => {
    const reply = await exchange(agent, url + path, body, headers);
    return reply.status === 200 && isWhole(reply.text) ? undefined : `${reply.status} ${reply.text.slice(-300)}`;
  };
  const submit = async (body: object) => {
    const accepted = await exchange(agent, `${url}/api/chat-queue`, body, headers);
    if (accepted.status !== 202) return `${accepted.status} ${accepted.text.slice(-300)}`;
    // Accepted without Redis, it is known to its server alone.
    if (accepted.isDegraded) return null;
    const path = `/api/chat-queue?requestId=${JSON.parse(accepted.text).request_id}`;
    for (let tried = 1; ; tried++) {
      const problem = await send(path, undefined, (events) => isWholeStream(events, text));
      if (tried === RETRIES || problem?.startsWith('503 ') !== true) return problem;
      await delay(RETRY_MS);
    }
  };
  let count = 0;
  const chat = (stream: boolean) => ({ messages: [{ role: 'user', content: `question ${++count}` }], stream });
  const timer = setInterval(() => {
    track(
      'health',
      send('/health', undefined, (reply) => reply.includes('healthy')),
    );
    track(
      'whole',
      send('/api/chat-optimized', chat(false), (reply) => JSON.parse(reply).message.content === text),
    );
    track(
      'stream',
      send('/api/chat-optimized', chat(true), (events) => isWholeStream(events, text)),
    );
    if (hasQueue) track('queued', submit(chat(true)));
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

/** Whether the text of a model came, and one end in good order. */
function isWholeStream(events: string, text: string): boolean {
  const parsed = events.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []));
  const said = parsed.map(({ content = '' }) => content).join('');
  return said === text && parsed.at(-1).done === true && parsed.at(-1).error === undefined;
}

function exchange(
  agent: Agent,
  url: string,
  body: object | undefined,
  own: Record<string, string>,
): Promise<{ status: number; text: string; isDegraded: boolean }> {
  return new Promise((resolve, reject) => {
    // A request of the queue is read as a stream.
    const kind = body === undefined ? { accept: 'text/event-stream' } : { 'content-type': 'application/json' };
    const headers = { ...kind, ...own };
    const outgoing = request(url, { agent, method: body === undefined ? 'GET' : 'POST', headers });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming: IncomingMessage) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const { statusCode: status = 0, headers: received } = incoming;
        const isDegraded = received['x-degraded'] !== undefined;
        resolve({ status, text: Buffer.concat(chunks).toString(), isDegraded });
      });
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
