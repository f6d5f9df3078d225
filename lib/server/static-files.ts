import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, extname, join } from 'node:path';

const PREFIX = '/_next/static/';
const TYPES: Partial<Record<string, string>> = {
  '.js': 'application/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
};
const COMPRESSED_AS_IT_IS = '.woff2';

/** A file beside the one that is asked for, with the same content. */
interface EncodedVariant {
  encoding?: string;
  suffix: string;
}

/** The smallest first. */
const ENCODED_VARIANTS = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
] as const;

/**
 * The pages' scripts, styles and fonts as the build has compressed them (scripts/finish-build.ts): smaller than could be done while somebody
 * waits, and without work. Each is read once, and then shared by all answers, so that clients who do not read hold no memory of their
 * own. Their names change with their content: a browser never asks again (RFC 8246).
 */
export class StaticFiles {
  readonly #folder: string;
  readonly #names: ReadonlySet<string>;
  readonly #contents = new Map<string, Promise<Buffer>>();

  /** `root`: the project's folder. Without a build in it, none of its requests are answered here. */
  constructor(root: string) {
    this.#folder = join(root, '.next', 'static');
    this.#names = new Set(namesIn(this.#folder));
  }

  /** Whether the request is answered here; `otherwise` is called where it turns out later that it cannot be. */
  serve(pathname: string, incoming: IncomingMessage, outgoing: ServerResponse, otherwise: () => void): boolean {
    const { method, headers } = incoming;
    if (!pathname.startsWith(PREFIX) || (method !== 'GET' && method !== 'HEAD')) return false;
    const name = pathname.slice(PREFIX.length);
    const type = TYPES[extname(name)];
    const form = type === undefined ? undefined : this.#formOf(name, headers['accept-encoding']);
    if (type === undefined || form === undefined) return false;
    const etag = `"${basename(name)}${form.suffix}"`;
    const common = { 'cache-control': 'public, max-age=31536000, immutable', etag, vary: 'Accept-Encoding' };
    if (headers['if-none-match'] === etag) {
      outgoing.writeHead(304, common).end();
      return true;
    }
    this.#read(name + form.suffix).then((content) => {
      outgoing.writeHead(200, {
        ...common,
        'content-type': type,
        ...(form.encoding === undefined ? {} : { 'content-encoding': form.encoding }),
        'content-length': content.length,
      });
      outgoing.end(content);
    }, otherwise);
    return true;
  }

  /** Undefined where there is none that the client takes. */
  #formOf(name: string, acceptEncoding: string | string[] | undefined): EncodedVariant | undefined {
    if (extname(name) === COMPRESSED_AS_IT_IS) return this.#names.has(name) ? { suffix: '' } : undefined;
    const accepted = acceptedEncodings(acceptEncoding);
    return ENCODED_VARIANTS.find(({ encoding, suffix }) => accepted.has(encoding) && this.#names.has(name + suffix));
  }

  #read(name: string): Promise<Buffer> {
    let content = this.#contents.get(name);
    if (content === undefined) {
      content = readFile(join(this.#folder, name));
      this.#contents.set(name, content);
      // Another build has taken its place: it may come back.
      content.catch(() => this.#contents.delete(name));
    }
    return content;
  }
}

/** Relative to it, with `/`; none where there is no such folder. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  } catch {
    return [];
  }
}

/** The codings that a client takes, as it names them: RFC 9110 §12.5.3, without the order that it prefers. */
function acceptedEncodings(header: string | string[] | undefined): ReadonlySet<string> {
  const accepted = new Set<string>();
  for (const one of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    if (!parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter))) accepted.add(name);
  }
  return accepted;
}
