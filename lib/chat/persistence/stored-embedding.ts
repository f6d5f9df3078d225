import type { Embedding } from '#lib/chat/embeddings/embedding-cache';

/** Width of a number, and the tokens of the input. */
const HEADER_BYTES = 8;
const TOKENS_OFFSET = 4;

/** The width of a number in byte 0, 32 bits of tokens from byte 4, then the numbers. */
export function encodeEmbedding({ vector, promptTokens }: Embedding): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + vector.byteLength);
  bytes.writeUInt8(vector.BYTES_PER_ELEMENT);
  bytes.writeUInt32LE(promptTokens, TOKENS_OFFSET);
  bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), HEADER_BYTES);
  return bytes;
}

/** Undefined for bytes that `encodeEmbedding` did not write. */
export function decodeEmbedding(bytes: Uint8Array): Embedding | undefined {
  const width = bytes[0];
  const numbers = bytes.byteLength - HEADER_BYTES;
  if ((width !== 4 && width !== 8) || numbers <= 0 || numbers % width !== 0) return undefined;
  const promptTokens = Buffer.from(bytes.buffer, bytes.byteOffset, HEADER_BYTES).readUInt32LE(TOKENS_OFFSET);
  // A copy: the numbers of a buffer need not be aligned.
  const { buffer } = Uint8Array.from(bytes.subarray(HEADER_BYTES));
  return { vector: width === 4 ? new Float32Array(buffer) : new Float64Array(buffer), promptTokens };
}
