import type { ModelOptions } from '#lib/wire/chat';

/** A text, or the ids of its tokens. */
export type EmbedInput = string | readonly number[];

/** An embedding request as a provider gets it. */
export interface EmbedRequest {
  model: string;
  /** At least one, and all of one kind. */
  inputs: readonly EmbedInput[];
  dimensions?: number | undefined;
  /** False: an input that is too long is an error. */
  truncate?: boolean | undefined;
  options?: ModelOptions | undefined;
  /** Seconds, or a Go duration. */
  keepAlive?: number | string | undefined;
  /**
   * True for Ollama's older route: its vectors do not have length 1. Such a request has one input.
   */
  isRaw?: boolean | undefined;
  user?: string | undefined;
  /** Further fields that only OpenAI-compatible servers know, as they were sent. */
  extra?: Readonly<Record<string, unknown>> | undefined;
}

export interface EmbedResult {
  /** In the order of the inputs. */
  vectors: readonly Vector[];
  /** Of all inputs together; 0 if the server does not count them. */
  promptTokens: number;
}

/** An embedding. Both hold the numbers as the model server wrote them. */
export type Vector = Float32Array | Float64Array;

/** Above any model's. A larger one is not stored. */
const MAX_DIMENSIONS = 65_536;

/**
 * Reads a list of numbers, or base64 of little-endian 32-bit floats. The result has 4 bytes for
 * each number if all of them are 32-bit floats, otherwise 8, so that no number changes. Undefined
 * for anything else.
 */
export function toVector(value: unknown): Vector | undefined {
  if (typeof value === 'string') return fromBase64(value);
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_DIMENSIONS) return undefined;
  const numbers: readonly unknown[] = value;
  let isSingle = true;
  for (const number of numbers) {
    if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
    isSingle &&= Math.fround(number) === number;
  }
  const vector = isSingle ? new Float32Array(numbers.length) : new Float64Array(numbers.length);
  for (const [index, number] of numbers.entries()) if (typeof number === 'number') vector[index] = number;
  return vector;
}

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

function fromBase64(text: string): Vector | undefined {
  const bytes = Buffer.from(text, 'base64');
  const { byteLength } = bytes;
  if (byteLength === 0 || byteLength % FLOAT_BYTES !== 0 || byteLength > MAX_DIMENSIONS * FLOAT_BYTES) return undefined;
  const vector = new Float32Array(byteLength / FLOAT_BYTES);
  for (let index = 0; index < vector.length; index++) vector[index] = bytes.readFloatLE(index * FLOAT_BYTES);
  return vector.every(Number.isFinite) ? vector : undefined;
}

/** The JSON of a vector: the numbers as the model server sent them. */
export function vectorJson(vector: Vector): string {
  return `[${vector.join()}]`;
}

/** The little-endian 32-bit floats of a vector in base64, as OpenAI's API sends them. */
export function vectorBase64(vector: Vector): string {
  const single = vector instanceof Float32Array ? vector : Float32Array.from(vector);
  const bytes = Buffer.from(single.buffer, single.byteOffset, single.byteLength);
  if (IS_LITTLE_ENDIAN) return bytes.toString('base64');
  return Buffer.from(bytes).swap32().toString('base64');
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
