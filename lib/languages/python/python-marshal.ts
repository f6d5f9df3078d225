/** A value of Python's `marshal` format: strings, bytes and tuples. */
export type MarshalValue = string | Uint8Array | readonly MarshalValue[];

/**
 * Encodes a value for `marshal.loads` of any Python 3: a type, a length as four bytes, little
 * endian, and the content. Every interpreter has the module built in, so that the warm one
 * compiles no parser. The format is in
 * https://github.com/python/cpython/blob/main/Python/marshal.c (TYPE_TUPLE, TYPE_STRING,
 * TYPE_UNICODE).
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
