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
const PRECOMPRESSED = '.woff2';

/** An encoding of a file, which is stored next to it. */
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
 * Serves scripts, styles and fonts of the build, in the encodings that scripts/finish-build.ts
 * wrote. Each file is read once, and all responses share its buffer: clients that do not read hold
 * no memory each. File names change with their content, so responses are immutable (RFC 8246).
 * See docs/decisions/0015-static-files.md for why this is not sirv.
 */
export class StaticFiles {
  readonly #folder: string;
  readonly #names: ReadonlySet<string>;
  readonly #contents = new Map<string, Promise<Buffer>>();

  /** `root` is the project's folder. Without a build, `serve` always returns false. */
  constructor(root: string) {
    this.#folder = join(root, '.next', 'static');
    this.#names = new Set(namesIn(this.#folder));
  }

  /** Returns whether it responds. Calls `fallback` if the file turns out to be unreadable. */
  serve(pathname: string, incoming: IncomingMessage, outgoing: ServerResponse, fallback: () => void): boolean {
    const { method, headers } = incoming;
    if (!pathname.startsWith(PREFIX) || (method !== 'GET' && method !== 'HEAD')) return false;
    const name = pathname.slice(PREFIX.length);
    const type = TYPES[extname(name)];
    const variant = type === undefined ? undefined : this.#variantOf(name, headers['accept-encoding']);
    if (type === undefined || variant === undefined) return false;
    const etag = `"${basename(name)}${variant.suffix}"`;
    const common = { 'cache-control': 'public, max-age=31536000, immutable', etag, vary: 'Accept-Encoding' };
    if (headers['if-none-match'] === etag) {
      outgoing.writeHead(304, common).end();
      return true;
    }
    this.#read(name + variant.suffix).then((content) => {
      outgoing.writeHead(200, {
        ...common,
        'content-type': type,
        ...(variant.encoding === undefined ? {} : { 'content-encoding': variant.encoding }),
        'content-length': content.length,
      });
      outgoing.end(content);
    }, fallback);
    return true;
  }

  /** Undefined if no variant is acceptable to the client. */
  #variantOf(name: string, acceptEncoding: string | string[] | undefined): EncodedVariant | undefined {
    if (extname(name) === PRECOMPRESSED) return this.#names.has(name) ? { suffix: '' } : undefined;
    const accepted = acceptedEncodings(acceptEncoding);
    return ENCODED_VARIANTS.find(({ encoding, suffix }) => accepted.has(encoding) && this.#names.has(name + suffix));
  }

  #read(name: string): Promise<Buffer> {
    let content = this.#contents.get(name);
    if (content === undefined) {
      content = readFile(join(this.#folder, name));
      this.#contents.set(name, content);
      // The build was replaced. The file may come back.
      content.catch(() => this.#contents.delete(name));
    }
    return content;
  }
}

/** File names relative to `folder`, with `/`. Empty if the folder does not exist. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  } catch {
    return [];
  }
}

/** Encodings that the client accepts (RFC 9110 section 12.5.3), without their order. */
function acceptedEncodings(header: string | string[] | undefined): ReadonlySet<string> {
  const accepted = new Set<string>();
  for (const entry of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    if (!parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter))) accepted.add(name);
  }
  return accepted;
}
