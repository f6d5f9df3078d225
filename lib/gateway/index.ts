import { config } from '#lib/config/config';
import { Gateway } from '#lib/gateway/gateway';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';

/** The gateway of this process. It has no backends unless `PRIVATE_BACKEND_URL` is set. */
export function gateway(): Gateway {
  return singleton('gateway', () => {
    const created = new Gateway(config());
    onShutdown(() => created.close());
    return created;
  });
}
