/** About the bytes that the parameters take in memory and on disk. */
export function bytesOfParameters(parameters: readonly unknown[]): number {
  let bytes = 0;
  for (const value of parameters) {
    if (typeof value === 'string') bytes += value.length;
    else if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    else bytes += 8;
  }
  return bytes;
}
