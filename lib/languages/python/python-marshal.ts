/** What Python's `marshal` module reads as a tuple of strings, bytes and tuples. */
export type MarshalValue = string | Uint8Array | readonly MarshalValue[];

/**
 * Written as `marshal.loads` of every Python 3 reads it: a type, a length as four bytes (the lowest first), the content. An
 * interpreter that waits has the module loaded already and so need not compile a parser of its own.
 * The format: https://github.com/python/cpython/blob/main/Python/marshal.c (TYPE_TUPLE, TYPE_STRING, TYPE_UNICODE).
 */
export function toMarshal(value: MarshalValue): Buffer {
  return Buffer.concat(pieces(value));
}

function pieces(value: MarshalValue): Uint8Array[] {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return [head('u', bytes.byteLength), bytes];
  }
  if (value instanceof Uint8Array) return [head('s', value.byteLength), value];
  return [head('(', value.length), ...value.flatMap(pieces)];
}

function head(type: string, length: number): Buffer {
  const bytes = Buffer.alloc(5, type, 'latin1');
  bytes.writeUInt32LE(length, 1);
  return bytes;
}
