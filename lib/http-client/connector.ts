import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Opens connections to one origin. */
export class Connector {
  readonly #host: string;
  readonly #port: number;
  readonly #isTls: boolean;
  /** The last TLS session, which shortens the next handshake. */
  #session: Buffer | undefined;

  constructor({ hostname, port, protocol }: URL) {
    this.#isTls = protocol === 'https:';
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = Number(port || (this.#isTls ? 443 : 80));
  }

  /**
   * Starts to connect. `onReady` is called once the connection is writable: with TLS after the
   * handshake and the certificate check. `onread` is passed to `node:net`.
   */
  connect(onReady: () => void, onread?: OnReadOpts): Socket {
    const options = { host: this.#host, port: this.#port, ...(onread === undefined ? {} : { onread }) };
    if (!this.#isTls) return connectTcp(options, onReady);
    const socket = connectTls(
      {
        ...options,
        // SNI has no addresses (RFC 6066 3). The certificate is verified against them anyway.
        servername: isIP(this.#host) === 0 ? this.#host : '',
        ALPNProtocols: ['http/1.1'],
        ...(this.#session === undefined ? {} : { session: this.#session }),
      },
      () => {
        // Only sessions of a verified server are kept.
        socket.on('session', (session) => {
          this.#session = session;
        });
        onReady();
      },
    );
    return socket;
  }

  /**
   * Opens and closes a connection without sending a request, so that health checks do not appear
   * in the request counts of the server. Rejects if none opens within `timeoutMs`.
   */
  probe(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.connect(() => {
        resolve();
        socket.destroy();
      });
      socket.setTimeout(timeoutMs, () => socket.destroy(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })));
      socket.once('error', reject);
    });
  }
}
