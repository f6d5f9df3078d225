import { config } from '#lib/config/index';
import { Gateway } from '#lib/gateway/gateway';
import { atShutdown, processWide } from '#lib/process';

/** The process's gateway; without backends where `PRIVATE_BACKEND_URL` is not set. */
export function gateway(): Gateway {
  return processWide('gateway', () => {
    const created = new Gateway(config());
    atShutdown(() => created.close());
    return created;
  });
}
