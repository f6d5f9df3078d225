import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A copy of a GGUF file whose vocabulary has marks to fill in the middle. */
export interface InfillModel {
  path: string;
  remove(): Promise<void>;
}

/** Of GGUF: magic, version, and the numbers of tensors and of metadata. */
const HEADER_BYTES = 24;
const METADATA_COUNT_AT = 16;
/** Tensors begin at a multiple of this: metadata may only grow by multiples of it. */
const ALIGNMENT = 32;
const UINT32 = 4;
const STRING = 8;

/**
 * `marks`: tokens of the vocabulary that stand before the prefix, the suffix and the gap.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function infillModel(gguf: string, marks: readonly [number, number, number]): Promise<InfillModel> {
  const folder = await mkdtemp(join(tmpdir(), 'infill-model-'));
  const path = join(folder, 'model.gguf');
  const bytes = await readFile(gguf);
  const names = ['pre', 'suf', 'mid'].map((name) => `tokenizer.ggml.fim_${name}_token_id`);
  const numbers = names.map((name, at) => Buffer.concat([text(name), number(UINT32), number(marks[at] ?? 0)]));
  const head = Buffer.concat([text('test.padding'), number(STRING)]);
  const length = numbers.reduce((sum, entry) => sum + entry.byteLength, head.byteLength + 8);
  const padding = text('x'.repeat((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT));
  const header = Buffer.from(bytes.subarray(0, HEADER_BYTES));
  const count = header.readBigUInt64LE(METADATA_COUNT_AT) + BigInt(numbers.length + 1);
  header.writeBigUInt64LE(count, METADATA_COUNT_AT);
  await writeFile(path, Buffer.concat([header, ...numbers, head, padding, bytes.subarray(HEADER_BYTES)]));
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

function text(value: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(value)));
  return Buffer.concat([length, Buffer.from(value)]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
