import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpClientError } from '#lib/http-client/errors';
import { ResponseParser } from '#lib/http-client/response-parser';

interface Read {
  /** Status, message and headers of each head. */
  heads: [number, string, string[]][];
  body: string;
  /** Undefined if the response is incomplete. */
  trailers: string[] | undefined;
  /** 0 if the connection must be closed. */
  keepMs: number;
  error: string | undefined;
}

/** Parses `bytes`, split before each of `cuts`, then the end of the connection unless `open`. */
function read(bytes: string, { cuts = [] as number[], method = 'GET', open = false } = {}): Read {
  const result: Read = { heads: [], body: '', trailers: undefined, keepMs: 0, error: undefined };
  const parser = new ResponseParser({
    onHead: (...head) => result.heads.push(head),
    onBody: (chunk) => {
      result.body += chunk.toString('latin1');
    },
    onEnd: (trailers) => {
      result.trailers = trailers;
      result.keepMs = parser.keepAliveMs;
    },
  });
  parser.begin(method === 'HEAD');
  // The rest of the buffer holds bytes of an earlier read.
  const buffer = Buffer.alloc(bytes.length + 32, '\r\n\r\n0;');
  try {
    const ends = [...cuts, bytes.length];
    for (const [index, end] of ends.entries()) {
      const length = buffer.write(bytes.slice(ends[index - 1] ?? 0, end), 'latin1');
      if (length > 0) parser.push(buffer, length);
    }
    if (!open) parser.close();
  } catch (error) {
    // Bytes after a complete response do not make it invalid.
    if (result.trailers !== undefined) result.keepMs = 0;
    else result.error = error instanceof HttpClientError ? error.code : String(error);
  }
  return result;
}

/** Every single cut, and one cut after each byte. */
function allCuts(bytes: string): number[][] {
  const places = Array.from({ length: bytes.length }, (_, index) => index);
  return [...places.map((place) => [place]), places];
}

const FOREVER = Number.POSITIVE_INFINITY;
const OK = 'HTTP/1.1 200 OK\r\n';

const responses: [name: string, bytes: string, expected: Partial<Read>, method?: string][] = [
  [
    'a length',
    `${OK}Content-Length: 5\r\nX-A:  a b \t\r\nx-a:\r\n\r\nhello`,
    { heads: [[200, 'OK', ['Content-Length', '5', 'X-A', 'a b', 'x-a', '']]], body: 'hello', keepMs: FOREVER },
  ],
  ['no bytes', `${OK}Content-Length: 0\r\n\r\n`, { body: '', trailers: [], keepMs: FOREVER }],
  ['no message', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', { heads: [[200, '', ['Content-Length', '0']]] }],
  ['an empty message', 'HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n', { heads: [[299, '', ['Content-Length', '0']]] }],
  [
    'latin1',
    `HTTP/1.1 200 \xe9\r\nX-A: \xfc\r\nContent-Length: 1\r\n\r\n\xff`,
    { heads: [[200, '\xe9', ['X-A', '\xfc', 'Content-Length', '1']]], body: '\xff' },
  ],
  [
    'chunks',
    `${OK}Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00A;x="y";z\r\n0123456789\r\n0\r\n\r\n`,
    { body: 'abc0123456789', trailers: [], keepMs: FOREVER },
  ],
  [
    'trailers',
    `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1 \r\nX-T:\r\n\r\n`,
    { body: 'a', trailers: ['X-Sum', '1', 'X-T', ''], keepMs: FOREVER },
  ],
  ['neither, until the end', `${OK}X-A: 1\r\n\r\nabc\r\n\r\n`, { body: 'abc\r\n\r\n', trailers: [], keepMs: 0 }],
  ['HEAD', `${OK}Content-Length: 5\r\n\r\n`, { body: '', trailers: [], keepMs: FOREVER }, 'HEAD'],
  ['HEAD and chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n`, { trailers: [], keepMs: FOREVER }, 'HEAD'],
  ['HEAD and neither', `${OK}\r\n`, { trailers: [], keepMs: FOREVER }, 'HEAD'],
  ['204', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', { trailers: [], keepMs: FOREVER }],
  ['304', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', { trailers: [], keepMs: FOREVER }],
  [
    'informational responses before it',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 9\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
    {
      heads: [
        [100, 'Continue', []],
        [103, 'Early Hints', ['Link', 'x', 'Content-Length', '9']],
        [200, 'OK', ['Content-Length', '1']],
      ],
      body: 'a',
      keepMs: FOREVER,
    },
  ],
  ['close', `${OK}Content-Length: 1\r\nConnection: x, Close\r\n\r\na`, { body: 'a', keepMs: 0 }],
  [
    'close and keep-alive',
    `${OK}Content-Length: 1\r\nConnection: close\r\nConnection: keep-alive\r\n\r\na`,
    { keepMs: 0 },
  ],
  ['another connection option', `${OK}Content-Length: 1\r\nConnection: enclosed\r\n\r\na`, { keepMs: FOREVER }],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', { body: 'a', keepMs: 0 }],
  [
    'HTTP/1.0 and keep-alive',
    'HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\na',
    { body: 'a', keepMs: FOREVER },
  ],
  [
    'a keep-alive timeout',
    `${OK}Content-Length: 1\r\nKeep-Alive: timeout=5, max=9\r\n\r\na`,
    { body: 'a', keepMs: 4000 },
  ],
  [
    'a keep-alive timeout without margin',
    `${OK}Content-Length: 1\r\nKeep-Alive: timeout=1\r\n\r\na`,
    { body: 'a', keepMs: 0 },
  ],
  [
    'close and a keep-alive timeout',
    `${OK}Connection: close\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n`,
    { keepMs: 0 },
  ],
  [
    'an unknown keep-alive parameter',
    `${OK}Content-Length: 1\r\nKeep-Alive: xtimeout=5\r\n\r\na`,
    { body: 'a', keepMs: FOREVER },
  ],
  [
    'a second response after it',
    `${OK}Content-Length: 1\r\n\r\na${OK}Content-Length: 1\r\n\r\nb`,
    { body: 'a', keepMs: 0 },
  ],
  ['a byte after chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx`, { body: '', trailers: [], keepMs: 0 }],
  ['a body in response to HEAD', `${OK}Content-Length: 1\r\n\r\na`, { body: '', trailers: [], keepMs: 0 }, 'HEAD'],
];

describe('a response with', () => {
  it.each(responses)('%s is parsed at every cut', (_name, bytes, expected, method = 'GET') => {
    const whole = read(bytes, { method });
    expect(whole).toMatchObject({ error: undefined, ...expected });
    expect(whole.trailers).toBeDefined();
    for (const cuts of allCuts(bytes)) expect(read(bytes, { method, cuts })).toEqual(whole);
  });

  it('a head of the maximum size is parsed, and one byte more is not', () => {
    const head = (size: number) => {
      const start = `${OK}Content-Length: 1\r\nX: `;
      return `${start}${'a'.repeat(size - start.length - 4)}\r\n\r\n`;
    };
    expect(read(`${head(16_384)}b`)).toMatchObject({ body: 'b', error: undefined });
    for (const cuts of [[], [16_383], [5, 16_384]])
      expect(read(`${head(16_385)}b`, { cuts })).toMatchObject({ heads: [], error: 'HEAD_TOO_LARGE' });
  });

  it('trailers above that size is rejected before their end', () => {
    const bytes = `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${`X: ${'a'.repeat(1000)}\r\n`.repeat(17)}\r\n`;
    for (const cuts of [[], [60], [10_000, 16_500]])
      expect(read(bytes, { cuts })).toMatchObject({ trailers: undefined, error: 'HEAD_TOO_LARGE' });
  });

  it('32 informational responses before it is parsed, and 33 are rejected', () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\n\r\n';
    expect(read(`${hint.repeat(32)}${OK}Content-Length: 0\r\n\r\n`).error).toBeUndefined();
    expect(read(`${hint.repeat(33)}${OK}Content-Length: 0\r\n\r\n`).error).toBe('RESPONSE_INVALID');
  });
});

const invalid: [name: string, bytes: string, method?: string][] = [
  ['no status line', 'NONSENSE\r\n\r\n'],
  ['another protocol', 'ICY 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a newer protocol', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['an unknown minor version', 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'],
  ['an invalid status', 'HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n'],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['no space before the status', 'HTTP/1.1/200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a tab behind the status', 'HTTP/1.1 200\tOK\r\nContent-Length: 0\r\n\r\n'],
  ['an empty line first', `\r\n${OK}Content-Length: 0\r\n\r\n`],
  ['a bare line feed first', `\n${OK}Content-Length: 0\r\n\r\n`],
  ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['one bare line feed', 'HTTP/1.1 200 OK\r\nX-A: a\nContent-Length: 0\r\n\r\n'],
  ['a bare carriage return', 'HTTP/1.1 200 OK\r\nX-A: a\rX-B: b\r\nContent-Length: 0\r\n\r\n'],
  ['a carriage return too many', 'HTTP/1.1 200 OK\r\nX-A: a\r\r\nContent-Length: 0\r\n\r\n'],
  ['a zero byte in a value', `${OK}X-A: a\0b\r\nContent-Length: 0\r\n\r\n`],
  ['a zero byte in the message', 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n'],
  ['a zero byte in a name', `${OK}X\0A: a\r\nContent-Length: 0\r\n\r\n`],
  ['a control character in a value', `${OK}X-A: a\x1bb\r\nContent-Length: 0\r\n\r\n`],
  ['DEL in a value', `${OK}X-A: a\x7fb\r\nContent-Length: 0\r\n\r\n`],
  ['a space before the colon', `${OK}Content-Length : 0\r\n\r\n`],
  ['a tab before the colon', `${OK}X-A\t: 0\r\nContent-Length: 0\r\n\r\n`],
  ['a space in a name', `${OK}X A: 0\r\nContent-Length: 0\r\n\r\n`],
  ['a name beyond ASCII', `${OK}X\xe9: 0\r\nContent-Length: 0\r\n\r\n`],
  ['no name', `${OK}: 0\r\nContent-Length: 0\r\n\r\n`],
  ['no colon', `${OK}X-A\r\nContent-Length: 0\r\n\r\n`],
  ['a folded line', `${OK}X-A: a\r\n b: c\r\nContent-Length: 0\r\n\r\n`],
  ['a folded first line', `${OK}\tX-A: a\r\nContent-Length: 0\r\n\r\n`],
  ['a length and chunks', `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['chunks and a length', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n`],
  ['both to HEAD', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`, 'HEAD'],
  ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
  ['the same length twice', `${OK}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
  ['a list of lengths', `${OK}Content-Length: 1, 1\r\n\r\na`],
  ['a signed length', `${OK}Content-Length: +1\r\n\r\na`],
  ['a negative length', `${OK}Content-Length: -1\r\n\r\na`],
  ['a length in hexadecimal', `${OK}Content-Length: 0x1\r\n\r\na`],
  ['an empty length', `${OK}Content-Length:\r\n\r\na`],
  ['a length with a space', `${OK}Content-Length: 1 1\r\n\r\na`],
  ['a length beyond counting', `${OK}Content-Length: 9999999999999999\r\n\r\na`],
  ['another coding', `${OK}Transfer-Encoding: gzip\r\n\r\na`],
  ['two codings', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['chunks twice', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['a coding with a parameter', `${OK}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
  ['a chunk without a size', `${OK}Transfer-Encoding: chunked\r\n\r\n\r\n\r\n`],
  ['an invalid chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n`],
  ['a signed chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n`],
  ['a chunk size with a prefix', `${OK}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n`],
  ['a space behind a chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n`],
  ['a chunk size beyond counting', `${OK}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(14)}\r\na`],
  ['a bare line feed behind a chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`],
  ['a carriage return in an extension', `${OK}Transfer-Encoding: chunked\r\n\r\n1;a\rb\r\na\r\n0\r\n\r\n`],
  ['an endless extension', `${OK}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(1024)}\r\na\r\n0\r\n\r\n`],
  ['a chunk longer than its size', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`],
  ['two bytes more than a chunk has', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\na--0\r\n\r\n`],
  ['a bare line feed behind a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n`],
  ['a broken trailer', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX-A\r\n\r\n`],
  ['a bare line feed in the trailers', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: a\nX-B: b\r\n\r\n`],
  ['a folded trailer', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: a\r\n b\r\n\r\n`],
  ['a bare line feed as trailers', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\n\r\n\r\n`],
];

describe('an invalid response', () => {
  it.each(invalid)('with %s is rejected at every cut', (_name, bytes, method = 'GET') => {
    for (const cuts of [[], ...allCuts(bytes)])
      expect(read(bytes, { method, cuts, open: true })).toMatchObject({
        trailers: undefined,
        error: 'RESPONSE_INVALID',
      });
  });

  it.each([
    ['another protocol', 'SSH-2.0-x\r\n'],
    ['a head with bare line feeds', 'HTTP/1.1 200 OK\n\n'],
    ['trailers with bare line feeds', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: a\n\n`],
  ])('with %s is rejected before its end', (_name, bytes) => {
    for (const cuts of [[], ...allCuts(bytes)])
      expect(read(bytes, { cuts, open: true }).error).toBe('RESPONSE_INVALID');
  });

  it.each([
    ['in the status line', 'HTTP/1.1 2'],
    ['in the headers', `${OK}Content-Le`],
    ['behind an informational one', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['in a body with a length', `${OK}Content-Length: 3\r\n\r\nab`],
    ['before a body with a length', `${OK}Content-Length: 3\r\n\r\n`],
    ['before the first chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n`],
    ['in a chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n1`],
    ['in a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nab`],
    ['behind a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`],
    ['before the last line', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n`],
    ['in the trailers', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: a\r\n`],
  ])('that ends %s is cut short', (_name, bytes) => {
    expect(read(bytes)).toMatchObject({ trailers: undefined, error: 'RESPONSE_CUT_SHORT' });
  });

  it('without a byte is a closed connection', () => {
    expect(read('').error).toBe('CLOSED_BY_PEER');
  });
});

describe('compared with llhttp', () => {
  let response = '';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(response, 'latin1'));
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  /** Parses `bytes` with the client of node:http. Returns undefined for an error. */
  function readByNode(bytes: string, method: string): Promise<Pick<Read, 'heads' | 'body' | 'trailers'> | undefined> {
    response = bytes;
    return new Promise((resolve) => {
      const sent = httpRequest({ port: (server.address() as AddressInfo).port, method, agent: false });
      sent.on('error', () => resolve(undefined));
      sent.on('response', (message: IncomingMessage) => {
        let body = '';
        message.on('data', (chunk: Buffer) => {
          body += chunk.toString('latin1');
        });
        message.on('error', () => resolve(undefined));
        message.on('end', () => {
          const { statusCode = 0, statusMessage = '', rawHeaders, rawTrailers } = message;
          resolve({ heads: [[statusCode, statusMessage, rawHeaders]], body, trailers: rawTrailers });
        });
      });
      sent.end();
    });
  }

  const line = fc.constantFrom(
    'Connection: close',
    'Keep-Alive: timeout=5',
    'X-A: \t a  b\t',
    'X-B:',
    'X-F: \xe9\xff',
    '!#$%&|~: \\"',
  );
  const oddLine = fc.constantFrom(
    'Content-Length: 3',
    'Content-Length: 03 ',
    'Content-Length: 3,3',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity',
    'X-C: a\rb',
    'X-D : a',
    ' folded',
    'X-\xe9: a',
  );
  const framed = fc.constantFrom(
    ['Content-Length: 3', 'abc'],
    ['content-length:0', ''],
    ['transfer-encoding:\tCHUNKED', '3\r\nabc\r\n1;e=1\r\na\r\n0\r\nX-T:  1 \r\nx-t: 2\r\n\r\n'],
    ['Transfer-Encoding: chunked', '0\r\n\r\n'],
    ['X-A: until the end', 'abc\r\n'],
    ['Transfer-Encoding: chunked', '1 \r\na\r\n0\r\n\r\n'],
    ['Transfer-Encoding: chunked', '1\na\n0\n\n'],
  );
  const bytes = fc
    .tuple(
      fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.0 200 OK', 'HTTP/1.1 204', 'HTTP/1.1 404 Not  Found', 'HTTP/1.1 304 '),
      fc.array(line, { maxLength: 3 }),
      fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(oddLine, { maxLength: 2 })),
      framed,
      fc.oneof({ weight: 9, arbitrary: fc.constant('\r\n') }, fc.constant('\n')),
    )
    .map(([status, lines, odd, [own = '', body = ''], end]) =>
      [status, ...lines, ...odd, own, '', /204|304/.test(status) ? '' : body].join(end),
    );

  it('every accepted response is the same to llhttp', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom('GET', 'HEAD'), async (text, method) => {
        const here = read(text, { method });
        // llhttp handles bytes after a response differently.
        const isLonger = read(text.slice(0, -1), { method, open: true }).trailers !== undefined;
        if (here.trailers === undefined || isLonger) return;
        accepted += 1;
        const there = await readByNode(text, method);
        expect(there).toEqual({ heads: here.heads, body: here.body, trailers: here.trailers });
      }),
      { numRuns: 400 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
