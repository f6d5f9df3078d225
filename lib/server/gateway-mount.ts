import type { NodeGatewayHandler } from '#lib/gateway/node-handler';
import { gatewayPresence } from '#lib/http/gateway-presence';
import { findAppPaths } from '#lib/server/app-paths';
import { log } from '#lib/telemetry/log';

/**
 * The gateway's place in the server. Its modules are loaded with its first backend, which may be
 * added while the server runs.
 */
export class GatewayMount {
  readonly #root: string;
  #handler: NodeGatewayHandler | undefined;
  #loading: Promise<void> | undefined;

  /** `root` is the project's folder. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Undefined without a backend, and while `loading`. */
  get handler(): NodeGatewayHandler | undefined {
    return this.#handler;
  }

  /** Set while the modules are loaded: requests wait for it. Never rejects. */
  get loading(): Promise<void> | undefined {
    return this.#loading;
  }

  /** Follows whether there is a backend. Calls `onChange` when `handler` has changed. */
  follow(onChange: () => void): () => void {
    return gatewayPresence().onChange(() => {
      if (gatewayPresence().isPresent) void this.load().then(onChange);
      else {
        this.#handler = undefined;
        onChange();
      }
    });
  }

  /** Makes the handler if there is a backend. Never rejects. */
  load(): Promise<void> {
    if (!gatewayPresence().isPresent) return Promise.resolve();
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      const [{ NodeGatewayHandler }, { gateway }] = await Promise.all([
        import('#lib/gateway/node-handler'),
        import('#lib/gateway/index'),
      ]);
      const handler = new NodeGatewayHandler(gateway(), findAppPaths(this.#root));
      // The backend may have been removed meanwhile.
      if (gatewayPresence().isPresent) this.#handler = handler;
    } catch (error) {
      log().error({ err: error }, 'the gateway could not be loaded');
    }
  }
}
