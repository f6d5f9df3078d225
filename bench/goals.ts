/** What is aimed at, and the tables that hold it. `npm run bench -- --goals` prints this. */

export interface Goal {
  what: string;
  against: string;
  goal: string;
  /** Names of tables. None: it is not measured, and `note` says why. */
  tables: readonly string[];
  note?: string;
}

export const GOALS: readonly Goal[] = [
  {
    what: 'cached answers as JSON: one question, 1,000 questions, over each API',
    against: 'a bare node:http server that parses the same body and returns the same bytes',
    goal: '≥ 70 % for one question natively, ≥ 60 % otherwise; p99 ≤ 5 ms at 32 connections',
    tables: ['cached-json', 'cached-questions'],
  },
  {
    what: 'cached answers as server-sent events, the same cases',
    against: 'the same',
    goal: '≥ 50 %',
    tables: ['cached-sse', 'cached-questions'],
  },
  {
    what: 'uncached: unique questions, 32 callers, 40 words',
    against: 'the model server directly, Olla, LiteLLM',
    goal: '≤ 200 µs of processor time per request; more requests per second of a core than Olla',
    tables: ['uncached'],
  },
  {
    what: 'distinct streams, a token every 20 ms: 100, 300, 1,000',
    against: 'the model server directly',
    goal: '≤ 25 µs per token (40,000 tokens/s of a core); added delay p99 ≤ 10 ms at 300, ≤ 30 ms at 1,000; first token p99 ≤ 50 ms at 300',
    tables: ['distinct-streams'],
  },
  {
    what: 'first token added, one caller',
    against: 'the model server directly, Olla, LiteLLM, Portkey',
    goal: '≤ 0.3 ms, p50',
    tables: ['uncached', 'stream'],
  },
  {
    what: 'connections to the model server for 1,000 answers one after another, of any length',
    against: 'one',
    goal: '≤ 2',
    tables: ['upstream-connections'],
  },
  {
    what: 'large: cached answer of 1 MB; body of 500 KB whose answer is cached',
    against: 'a bare node:http server that does the same',
    goal: '≥ 60 % each',
    tables: ['large-bodies'],
  },
  {
    what: 'memory of the server process: idle; after a minute of each API and of uncached load; with the cache full',
    against: 'the size of the cache',
    goal: '≤ 110 MB; ≤ 150 MB; ≤ cache + 150 MB',
    tables: ['memory'],
  },
  {
    what: 'coalescing: 1,000 identical requests at once',
    against: 'one request',
    goal: 'one call of the model server; the last is done ≤ 1.1 × after one alone',
    tables: ['coalescing'],
  },
  {
    what: 'cores: cached hits and uncached streams with two processes',
    against: 'one process',
    goal: '≥ 1.8 × on two cores, with one queue and one cache',
    tables: [],
    note: 'WORKERS starts them. The load and the model server would need cores of their own; docs/decisions/0040-workers.md has figures of two cores that they share.',
  },
  {
    what: 'writes to the database: 100 and 5,000 rows a second, rows of 64 KiB',
    against: 'the same process without writes',
    goal: 'the event loop is held for ≤ 5 ms more, p99.9',
    tables: ['database-writes'],
  },
  {
    what: 'a queue of 10,000',
    against: 'the same queue when it is short',
    goal: 'O(log n) a step; memory flat',
    tables: ['queue'],
  },
  {
    what: 'cached answers, start and idle memory with keys and with accounts',
    against: 'the same without either',
    goal: 'answers with accounts ≥ 95 % of those without; start ≤ 0.6 s and memory ≤ 110 MB without',
    tables: ['accounts', 'start'],
  },
  {
    what: 'usage: reports over 10 million rows; a flush of 2,000 rows',
    against: 'the time and the delay themselves',
    goal: '≤ 1 s each; the event loop is delayed by ≤ 5 ms',
    tables: ['usage-report'],
  },
  {
    what: 'three model servers of different speeds, under load',
    against: 'the sum of what each does alone',
    goal: '≥ 0.95 ×',
    tables: ['model-servers'],
  },
  {
    what: 'several servers over one Redis: first token when idle; cached answers in memory, with and without a limit, and in Redis; submits, polls and cancels in a queue of 10,000; stop at another server',
    against: 'one process without Redis; the same at the server that has it',
    goal: 'first token + ≤ 3 ms; ≥ 95 % of the requests/s; ≤ 1 ms from Redis; ≤ 1 ms a step and O(log n); stop p50 ≤ 20 ms, 1.5 s at most',
    tables: ['cluster'],
  },
  {
    what: 'several servers: 32 streams read at another one; 1,000 readers of one answer over four',
    against: 'the same streams read where they are written; 10 readers',
    goal: '≥ 98 % of the tokens/s, a token + ≤ 8 ms p50 and ≤ 30 ms p99; no more processor time of Redis',
    tables: ['cluster-streams'],
  },
  {
    what: 'code, a new source, p50',
    against: 'the bare interpreter or compiler',
    goal: 'Python, JavaScript ≤ 0.4 ×; Java ≤ 0.15 ×; C++, Go, Rust ≤ 0.5 ×; the same source again ≤ 12 ms',
    tables: ['code'],
  },
  {
    what: 'code, sustained, 2 at a time',
    against: 'the bare interpreter or compiler, go-judge',
    goal: 'Python, JavaScript ≥ 0.8 × bare and ≥ 1.2 × go-judge; Java ≥ 8 × bare; C++ ≥ 1.5 × bare',
    tables: ['code-throughput'],
  },
  {
    what: 'gateway: GET, POST of 1 KB, 100 KB up, 100 KB down, 10 MB both ways',
    against: 'nginx, HAProxy, Caddy, proxies that run in Node',
    goal: 'p50 added ≤ 0.1 ms; ≥ 1.4 × the best Node proxy on each; POST ≥ 0.85 × GET; 100 KB ≥ 0.7 × nginx; per core ≥ 0.6 × nginx on GET',
    tables: ['gateway', 'gateway-bodies'],
  },
  {
    what: 'start: the first answer, the first page',
    against: 'node -e 0',
    goal: '≤ 0.6 s; ≤ 0.5 s more',
    tables: ['start'],
  },
  {
    what: 'chat page: 300 messages while three stream',
    against: 'an empty chat',
    goal: 'loaded ≤ 0.8 s; no task over 50 ms; INP ≤ 100 ms while typing; JavaScript of the first view ≤ 170 KB',
    tables: ['chat-page'],
  },
  {
    what: 'half an hour of mixed load at 70 % of the capacity',
    against: 'its minutes 6 to 10',
    goal: 'no request fails; p99 and memory flat',
    tables: ['soak'],
  },
  {
    what: 'an hour of mixed load on three servers over one Redis, while servers, Redis and model servers are killed, cut off and deployed',
    against: 'the contract',
    goal: 'no accepted request is lost, no response is mixed up or damaged; each failure and each second call of a model server has a cause',
    tables: ['chaos'],
  },
  { what: 'Lighthouse, phone and desktop', against: '100', goal: '≥ 95 each', tables: ['lighthouse'] },
];

/** An index of the goals as a Markdown table. */
export function goalsIndex(goals: readonly Goal[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['what', 'held against', 'goal', 'tables']),
    line(['---', '---', '---', '---']),
    ...goals.map(({ what, against, goal, tables, note }) =>
      line([what, against, goal, tables.length > 0 ? tables.join(', ') : `not measured. ${note ?? ''}`.trim()]),
    ),
  ].join('\n');
}
