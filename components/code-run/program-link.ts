import { isRecord, parseJson } from '#lib/browser/type-guards';

/** A program as a link carries it. */
export interface SharedProgram {
  language: string;
  code: string;
  /** All files but the main one. */
  files?: { name: string; content: string }[];
  stdin?: string;
  args?: string;
  /** Seconds. */
  timeout?: number;
  /** The name of the program, for people. */
  name?: string;
}

const KEY = 'program=';
/** Above the runner's limit. A link that inflates to more is invalid. */
const MAX_BYTES = 1_000_000;

/** The URL fragment of a program, deflated. A fragment is never sent to a server. */
export async function toFragment(program: SharedProgram): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(program));
  const packed = await collect(through(bytes, new CompressionStream('deflate-raw')), Number.POSITIVE_INFINITY);
  return KEY + toBase64Url(packed);
}

/** Whether the fragment claims to hold a program. */
export function isProgramFragment(fragment: string): boolean {
  return fragment.startsWith(`#${KEY}`);
}

/** Undefined if the fragment has no program or is truncated. */
export async function fromFragment(fragment: string): Promise<SharedProgram | undefined> {
  const text = fragment.replace(/^#/, '');
  if (!text.startsWith(KEY)) return undefined;
  try {
    const packed = fromBase64Url(text.slice(KEY.length));
    const bytes = await collect(through(packed, new DecompressionStream('deflate-raw')), MAX_BYTES);
    return checked(parseJson(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

function checked(value: unknown): SharedProgram | undefined {
  if (!isRecord(value)) return undefined;
  const { language, code, stdin, args, files, timeout, name } = value;
  if (typeof language !== 'string' || typeof code !== 'string') return undefined;
  return {
    language,
    code,
    ...(Array.isArray(files) && files.length > 0 ? { files: files.flatMap(sharedFile) } : {}),
    ...(typeof stdin === 'string' ? { stdin } : {}),
    ...(typeof args === 'string' ? { args } : {}),
    ...(typeof timeout === 'number' && timeout > 0 ? { timeout } : {}),
    ...(typeof name === 'string' ? { name } : {}),
  };
}

function sharedFile(value: unknown): { name: string; content: string }[] {
  if (!isRecord(value)) return [];
  const { name, content } = value;
  return typeof name === 'string' && typeof content === 'string' ? [{ name, content }] : [];
}

function through(bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream) {
  return new Blob([bytes]).stream().pipeThrough(stream);
}

async function collect(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError('too large');
    }
    chunks.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function toBase64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
