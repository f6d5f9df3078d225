import type { Duplex } from 'node:stream';
import { singleton } from '#lib/singletons';

/**
 * Connections whose request body is read while it arrives. Such a body may take any time as long
 * as bytes arrive (`boundedStream`), so the time limits of whole bodies do not apply.
 */
export function streamedUploads(): WeakSet<Duplex> {
  return singleton('http.streamed-uploads', () => new WeakSet<Duplex>());
}
