import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import type { Operation } from '#lib/openapi/operation';
import { OPERATIONS } from '#lib/openapi/operations';
import { findRouteFiles } from '#lib/server/route-table';
import { PAGE_PATHS } from '#lib/wire/page-paths';

/**
 * Every address that the app has, and some that it has not, for tests that ask all of them the
 * same.
 */

export const KEY = 'a-key-of-sixteen-characters';

export type Address =
  | { kind: 'route'; path: string; operations: readonly Operation[] }
  /**
   * `slash`: a path of the app with a slash behind it. `malformed`: a path that does not decode or
   * climbs.
   */
  | { kind: 'page' | 'file' | 'unknown' | 'slash' | 'malformed'; path: string };

/** What stands for the parameters of a route's path. */
const VALUES: Record<string, string> = { language: 'python', file: 'frame' };
/** The gateway's own, which are none without a backend. */
const GATEWAY_ROUTES: ReadonlySet<string> = new Set(['/[...path]', '/gateway/[...path]']);

/** The routes are those of the files below `app/`, with what the API's description has of them. */
export async function everyAddress(): Promise<Address[]> {
  const files = await findRouteFiles(join(process.cwd(), 'app'), async (file) => file);
  const routes = files
    .filter(({ pattern }) => !GATEWAY_ROUTES.has(pattern))
    .map(({ pattern }): Address => {
      const path = pattern.replace(/\[(?:\.\.\.)?(\w+)\]/g, (_, name: string) => VALUES[name] ?? 'x');
      return { kind: 'route', path, operations: OPERATIONS.filter((one) => one.path === pattern) };
    });
  const others: [Address['kind'], string[]][] = [
    ['page', [...PAGE_PATHS]],
    ['file', ['/icon.svg', '/manifest.webmanifest']],
    [
      'unknown',
      [
        '/nope',
        '/nope/deeper?x=1',
        '/nope.txt',
        '/dashboard.rsc',
        '/api/nope',
        '/v1/nope',
        '/%C3%A9',
        '//',
        '//evil.example',
      ],
    ],
    ['slash', ['/dashboard/', '/sign-in/', '/icon.svg/', '/health/', '/api/models/', '/api/chat-optimized/?x=1']],
    [
      'malformed',
      [
        '/%',
        '/%zz',
        '/dashboard%',
        '/api/executors/%/info',
        '/%00',
        '/../dashboard',
        '/_next/static/../../dashboard',
        '/a/%2e%2E/b',
        '/a\\b',
      ],
    ],
  ];
  return [...routes, ...others.flatMap(([kind, paths]) => paths.map((path) => ({ kind, path }) as Address))];
}

export interface Asked {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  /** Undefined sends neither a body nor its length. */
  body?: string;
}

export interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Far more than any of these takes, and far less than a response that never comes. */
const PATIENCE_MS = 10_000;
/** To read what arrived while this process did not run. */
const READ_MS = 1000;

/** Asks over kept-alive connections, `atOnce` at a time. */
export class Asker {
  readonly #port: number;
  readonly #agent: Agent;
  readonly #atOnce: number;

  constructor(url: string, atOnce = 8) {
    this.#port = Number(new URL(url).port);
    this.#agent = new Agent({ keepAlive: true, maxSockets: atOnce });
    this.#atOnce = atOnce;
  }

  /** Rejects if no whole response arrives in time. */
  ask({ method = 'GET', path, headers = {}, body }: Asked): Promise<Got> {
    return new Promise((resolve, reject) => {
      const asking = request({ host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path, headers });
      // Without it, Node would send `Content-Length: 0` where there is no body.
      if (body === undefined) asking.useChunkedEncodingByDefault = false;
      const giveUp = () => asking.destroy(new Error(`no answer in ${PATIENCE_MS + READ_MS} ms`));
      let timer = setTimeout(() => {
        timer = setTimeout(giveUp, READ_MS);
      }, PATIENCE_MS);
      const beganMs = performance.now();
      let got = 'no response';
      const fail = (error: Error) => {
        clearTimeout(timer);
        const ms = Math.round(performance.now() - beganMs);
        const how = asking.reusedSocket ? 'a used connection' : 'a new connection';
        reject(new Error(`${method} ${path} ${JSON.stringify(headers)}: ${error.message}, ${ms} ms, ${how}, ${got}`));
      };
      asking.on('error', fail);
      asking.on('response', (reply) => {
        const chunks: Buffer[] = [];
        const begun = `${reply.statusCode} ${JSON.stringify(reply.headers)}`;
        got = begun;
        reply.on('data', (chunk: Buffer) => {
          got = `${begun}, ${chunks.push(chunk)} chunks, the last of ${chunk.length} bytes`;
        });
        reply.on('error', fail);
        reply.on('end', () => {
          clearTimeout(timer);
          resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text: Buffer.concat(chunks).toString() });
        });
      });
      asking.end(body);
    });
  }

  /** Asks all, and returns what `check` complains of. */
  async all<T extends Asked>(list: readonly T[], check: (asked: T, got: Got) => readonly string[]): Promise<string[]> {
    const found: string[] = [];
    const rest = list.values();
    const askRest = async () => {
      // The time of each begins with its own turn.
      for (const asked of rest) {
        try {
          found.push(...check(asked, await this.ask(asked)));
        } catch (error) {
          found.push(String(error));
        }
      }
    };
    await Promise.all(Array.from({ length: this.#atOnce }, askRest));
    return found;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The code of an error, in our own shape, in OpenAI's or in Anthropic's. */
export function codeOf({ text }: Got): string | undefined {
  const body: unknown = parsed(text);
  const error = field(body, 'error');
  const code = field(body, 'code') ?? field(error, 'code') ?? field(field(error, 'details'), 'error_code');
  return typeof code === 'string' ? code : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
