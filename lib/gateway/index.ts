import { config } from '#lib/config/config';
import { Gateway } from '#lib/gateway/gateway';
import { onShutdown, singleton } from '#lib/singletons';

/** The process's gateway; without backends where `PRIVATE_BACKEND_URL` is not set. */
export function gateway(): Gateway {
  return singleton('gateway', () => {
    const created = new Gateway(config());
    onShutdown(() => created.close());
    return created;
  });
}
