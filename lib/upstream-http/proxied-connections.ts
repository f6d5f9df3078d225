import type { Readable } from 'node:stream';
import type { EnvHttpProxyAgent } from 'undici';
import type { OutboundProxies } from '#lib/config/outbound-proxies';
import type { ResponseHandler } from '#lib/http-client/response-handler';
import { ProxiedHandler } from '#lib/upstream-http/proxied-handler';

interface ProxiedRequest {
  origin: string;
  method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  path: string;
  headers: Record<string, string>;
  body: string | Readable | null;
}

/**
 * Connections through an HTTP proxy, which are undici's. It is loaded with the first of them,
 * because it takes 13 MB.
 */
export class ProxiedConnections {
  readonly #open: () => Promise<EnvHttpProxyAgent>;
  #agent: Promise<EnvHttpProxyAgent> | undefined;

  constructor(proxies: OutboundProxies, timeouts: { connectMs: number; keepAliveMs: number }) {
    const { connectMs, keepAliveMs } = timeouts;
    this.#open = async () => {
      const { EnvHttpProxyAgent } = await import('undici');
      return new EnvHttpProxyAgent({
        ...proxies,
        connect: { timeout: connectMs },
        connectTimeout: connectMs,
        keepAliveTimeout: keepAliveMs,
      });
    };
  }

  /** All errors go to `handler`. */
  dispatch(request: ProxiedRequest, handler: ResponseHandler): void {
    this.#agent ??= this.#open();
    this.#agent
      .then((agent) => {
        agent.dispatch({ ...request, headersTimeout: 0, bodyTimeout: 0 }, new ProxiedHandler(handler));
      })
      .catch((error: unknown) => {
        handler.onResponseError(error instanceof Error ? error : new Error('not sent', { cause: error }));
      });
  }

  /** Also ends what is in use. */
  async close(): Promise<void> {
    await (await this.#agent)?.destroy();
  }
}
