import { describe, expect, it } from 'vitest';
import { CompileResponse, compileRequest, NONCE_BYTES } from '#lib/runner/sandbox/compile-response';

const NONCE = Buffer.alloc(NONCE_BYTES, 7);

interface Parts {
  nonce?: Buffer;
  exitCode?: number;
  messages?: string;
  length?: number;
  artifact?: string;
  size?: number;
}

function encode({ nonce = NONCE, exitCode = 0, messages = '', artifact = '', ...lengths }: Parts) {
  const { length = messages.length, size = artifact.length } = lengths;
  const head = Buffer.alloc(8);
  head.writeInt32BE(exitCode);
  head.writeInt32BE(length, 4);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(size));
  return Buffer.concat([nonce, head, Buffer.from(messages), bytes, Buffer.from(artifact)]);
}

function reader({ messageBytes = 100, artifactBytes = Number.POSITIVE_INFINITY } = {}) {
  const seen = { messages: '', artifact: '' };
  const response = new CompileResponse(NONCE, messageBytes, {
    onMessages: (messages) => {
      seen.messages += messages.toString();
    },
    onArtifact: (chunk) => {
      seen.artifact += chunk.toString();
      return seen.artifact.length <= artifactBytes;
    },
  });
  return { response, seen };
}

describe('CompileResponse', () => {
  it('reads a response that is cut at any byte', () => {
    const bytes = encode({ messages: 'a warning', artifact: 'classes' });
    for (let at = 1; at < bytes.byteLength; at += 1) {
      const { response, seen } = reader();
      expect(response.write(bytes.subarray(0, at))).toBe('incomplete');
      expect(response.write(bytes.subarray(at))).toBe('complete');
      expect(seen).toEqual({ messages: 'a warning', artifact: 'classes' });
      expect(response.exitCode).toBe(0);
    }
  });

  it('completes a response without messages and without an artifact', () => {
    const { response } = reader();
    expect(response.write(encode({ exitCode: 1 }))).toBe('complete');
    expect(response.exitCode).toBe(1);
  });

  it.each([
    ['another nonce', encode({ nonce: Buffer.alloc(NONCE_BYTES, 8) })],
    ['the start of another nonce', Buffer.from('8')],
    ['a negative exit code', encode({ exitCode: -1 })],
    ['an exit code of a signal', encode({ exitCode: 137 })],
    ['more messages than the bound', encode({ length: 117 })],
    ['a negative length', encode({ length: -1 })],
    ['a negative size', encode({ size: -1 })],
    ['an artifact of a failed compilation', encode({ exitCode: 1, artifact: 'x' })],
    ['more than its size', encode({ artifact: 'classes', size: 3 })],
  ])('rejects %s', (_name, bytes) => {
    const { response, seen } = reader();
    expect(response.write(bytes)).toBe('malformed');
    expect(seen.artifact).toBe('');
  });

  it('stops at an artifact that is too large', () => {
    const { response } = reader({ artifactBytes: 3 });
    expect(response.write(encode({ artifact: 'class' }))).toBe('too large');
  });

  it('reports whether a handler was called', () => {
    const { response } = reader();
    const bytes = encode({ messages: 'a warning', artifact: 'classes' });
    response.write(bytes.subarray(0, NONCE_BYTES + 8));
    expect(response.hasBegun).toBe(false);
    response.write(bytes.subarray(NONCE_BYTES + 8));
    expect(response.hasBegun).toBe(true);
  });
});

describe('compileRequest', () => {
  it('puts the nonce and the bound before the input', () => {
    expect(compileRequest(NONCE, 258, 'input')).toEqual(
      Buffer.concat([NONCE, Buffer.from([0, 0, 1, 2]), Buffer.from('input')]),
    );
  });
});
