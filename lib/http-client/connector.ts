import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Opens connections to one origin. */
export class Connector {
  readonly #host: string;
  readonly #port: number;
  readonly #isTls: boolean;
  /** What the backend gave out last to make the next handshake short. */
  #session: Buffer | undefined;

  constructor({ hostname, port, protocol }: URL) {
    this.#isTls = protocol === 'https:';
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = Number(port || (this.#isTls ? 443 : 80));
  }

  /**
   * Begins to connect. `onReady` is called when the connection can be written to: after the handshake and the check of the
   * certificate, where there is one. `onread` is `node:net`'s.
   */
  connect(onReady: () => void, onread?: OnReadOpts): Socket {
    const options = { host: this.#host, port: this.#port, ...(onread === undefined ? {} : { onread }) };
    if (!this.#isTls) return connectTcp(options, onReady);
    const socket = connectTls(
      {
        ...options,
        // An address is no name to ask for; the certificate is held against it all the same.
        servername: isIP(this.#host) === 0 ? this.#host : '',
        ALPNProtocols: ['http/1.1'],
        ...(this.#session === undefined ? {} : { session: this.#session }),
      },
      () => {
        // One from a backend that is not who it should be is never listened for.
        socket.on('session', (session) => {
          this.#session = session;
        });
        onReady();
      },
    );
    return socket;
  }

  /** A connection that carries nothing: a backend that counts its requests sees none that nobody made. Rejects where there is none within `timeoutMs`. */
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
