import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readConfig } from '#lib/config/config';
import { withOverrides } from '#lib/config/runtime-settings';
import type { RouteHandler } from '#lib/http/route';
import { mailThrottle, PasswordThrottle } from '#lib/people/accounts/password-throttle';
import { registerAccounts, setUpLine } from '#lib/people/accounts/start';
import { peopleLimits } from '#lib/people/limits/index';
import { createRouteTable, findRouteFiles } from '#lib/server/route-table';
import { resetSingleton, singleton } from '#lib/singletons';
import { store } from '#lib/store/store';

type RouteModule = Partial<Record<string, RouteHandler>>;

export const ORIGIN = 'http://localhost:3000';
const ROUTES = ['auth', 'setup', 'join', 'me', 'keys', 'admin', 'session', 'cache-stats', 'models', 'usage'];
/** The process's state that a restart would lose. */
const STATE = [
  'config',
  'config.overrides',
  'log',
  'store',
  'http.identities',
  'http.identity-sources',
  'http.failed-keys',
  'http.known-keys',
  'people.identities',
  'people.auth-library',
  'people.limits',
  'people.scope-directory',
  'people.setting-changes',
  'people.password-throttle',
  'people.mail-throttle',
  'people.mailer',
];

/** The routes of accounts in this process, over a database on disk or on Postgres. */
export interface AccountsServer {
  /** A client at an address, with a cookie jar. */
  browser(address?: string): Browser;
  /** Milliseconds that attempts waited, without waiting. */
  readonly waits: number[];
  /** Forgets everything that is not in the database. */
  restart(env?: Record<string, string>): Promise<void>;
  setUpUrl(): Promise<string | undefined>;
  close(): Promise<void>;
}

export async function startAccounts(env: Record<string, string> = {}): Promise<AccountsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'accounts-'));
  const match = createRouteTable(await loadRoutes());
  const waits: number[] = [];
  const begin = (more: Record<string, string>) => {
    for (const name of STATE) resetSingleton(name);
    const settings = withOverrides(
      readConfig({
        AUTH: 'accounts',
        DATA_DIR: join(folder, 'data'),
        PORT: '3000',
        LOG_LEVEL: 'silent',
        ...env,
        ...more,
      }),
    );
    singleton('config', () => settings);
    singleton(
      'people.password-throttle',
      () => new PasswordThrottle({ now: () => Date.now(), sleep: async (ms) => waits.push(ms) }),
    );
    mailThrottle({ now: () => Date.now(), sleep: async (ms) => waits.push(ms) });
    registerAccounts();
    peopleLimits();
  };
  begin({});
  const send = async (request: Request, address: string): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const found = match(pathname);
    const handler = found?.route.value[request.method];
    if (found === undefined || handler === undefined) return new Response(null, { status: 404 });
    return await handler(request, { params: found.params, peerAddress: address });
  };
  return {
    waits,
    browser: (address = '203.0.113.1') => new Browser(send, address),
    restart: async (more = {}) => {
      await (await store()).close();
      begin(more);
    },
    setUpUrl: () => setUpLine(ORIGIN),
    close: async () => {
      await (await store()).close();
      for (const name of STATE) resetSingleton(name);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function loadRoutes() {
  const load = async (file: string) => (await import(pathToFileURL(file).href)) as RouteModule;
  const all = await Promise.all(
    ROUTES.map(async (name) => {
      const files = await findRouteFiles(join(process.cwd(), 'app/api', name), load);
      return files.map((file) => ({ ...file, pattern: `/api/${name}${file.pattern === '/' ? '' : file.pattern}` }));
    }),
  );
  return all.flat();
}

/** A response with its body read. */
export class Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;

  constructor(response: Response, text: string) {
    this.status = response.status;
    this.headers = response.headers;
    this.text = text;
  }

  get json(): unknown {
    return JSON.parse(this.text);
  }

  /** The value at a path of names, such as `user.id`; undefined where there is nothing. */
  at(path: string): unknown {
    let value: unknown = this.json;
    for (const name of path.split('.')) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = new Map<string, unknown>(Object.entries(value)).get(name);
    }
    return value;
  }

  /** A text at a path. Throws if absent. */
  textAt(path: string): string {
    const value = this.at(path);
    if (typeof value !== 'string') throw new Error(`no text at ${path}: ${this.status} ${this.text}`);
    return value;
  }
}

/** Sends requests as a browser does: with its cookies, and with `Origin` for changes. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #send: (request: Request, address: string) => Promise<Response>;
  readonly #address: string;

  constructor(send: (request: Request, address: string) => Promise<Response>, address: string) {
    this.#send = send;
    this.#address = address;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Received> {
    return this.request('GET', path, undefined, headers);
  }

  post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Received> {
    return this.request('POST', path, body, headers);
  }

  patch(path: string, body: unknown): Promise<Received> {
    return this.request('PATCH', path, body);
  }

  delete(path: string): Promise<Received> {
    return this.request('DELETE', path);
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Received> {
    const sent = new Headers({
      host: new URL(ORIGIN).host,
      ...(method === 'GET' ? {} : { origin: ORIGIN }),
      ...headers,
    });
    if (this.cookies.size > 0 && !sent.has('cookie')) sent.set('cookie', this.cookieHeader);
    const init: RequestInit = { method, headers: sent };
    if (body !== undefined) {
      if (!sent.has('content-type')) sent.set('content-type', 'application/json');
      init.body = typeof body === 'string' ? body : JSON.stringify(body);
    }
    const response = await this.#send(new Request(ORIGIN + path, init), this.#address);
    for (const cookie of response.headers.getSetCookie()) this.#store(cookie);
    return new Received(response, await response.text());
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  signIn(email: string, password: string): Promise<Received> {
    return this.post('/api/auth/sign-in/email', { email, password });
  }

  /** Whether the session is one of a person. */
  async isSignedIn(): Promise<boolean> {
    return (await this.get('/api/keys')).status === 200;
  }

  #store(cookie: string): void {
    const [pair = ''] = cookie.split(';');
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals);
    if (/max-age=0/i.test(cookie)) this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(equals + 1));
  }
}

export const PASSWORD = 'a long pass phrase';

/** Makes the administrator by the link of the start, and returns its browser. */
export async function setUpAdministrator(server: AccountsServer): Promise<Browser> {
  const url = await server.setUpUrl();
  const token = new URL((url ?? '').replace(/^set-up: /, '')).searchParams.get('token');
  const browser = server.browser();
  const made = await browser.post('/api/setup', {
    token,
    name: 'Ada',
    email: 'ada@school.example',
    password: PASSWORD,
  });
  if (made.status !== 201) throw new Error(`set-up failed: ${made.status} ${made.text}`);
  return browser;
}

/** Invites a person, joins as that person, and returns its browser. */
export async function joinAs(
  server: AccountsServer,
  admin: Browser,
  name: string,
  invitation: Record<string, unknown> = {},
): Promise<Browser> {
  const invited = await admin.post('/api/admin/invitations', invitation);
  const browser = server.browser(`198.51.100.${name.length}`);
  const joined = await browser.post('/api/join', {
    token: invited.textAt('token'),
    name,
    email: `${name.toLowerCase()}@school.example`,
    password: PASSWORD,
  });
  if (joined.status !== 201) throw new Error(`joining failed: ${joined.status} ${joined.text}`);
  return browser;
}
