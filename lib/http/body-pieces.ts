/** Text, or bytes that other bodies share and that must not change. */
export type BodyPiece = string | Uint8Array<ArrayBuffer>;

/** A whole body in pieces, which leave in one write without being copied together. */
export class BodyPieces {
  readonly pieces: readonly BodyPiece[];
  readonly byteLength: number;

  constructor(pieces: readonly BodyPiece[], byteLength: number) {
    this.pieces = pieces;
    this.byteLength = byteLength;
  }

  /**
   * Recognises one by its shape: `instanceof` alone fails when two copies of this module are
   * loaded (see lib/singletons.ts).
   */
  static is(body: unknown): body is BodyPieces {
    return typeof body === 'object' && body !== null && 'pieces' in body && 'join' in body;
  }

  /** A copy in one piece. */
  join(): Uint8Array<ArrayBuffer> {
    return Buffer.concat(
      this.pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
      this.byteLength,
    );
  }
}
