import { config } from '#lib/config/config';
import { Gateway } from '#lib/gateway/gateway';
import { gatewayPresence } from '#lib/http/gateway-presence';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';

/** The gateway of this process. It has the backends of the settings, and those that are added. */
export function gateway(): Gateway {
  return singleton('gateway', () => {
    const created = new Gateway(config(), (hasAdded) => gatewayPresence().setAdded(hasAdded));
    onShutdown(() => created.close());
    return created;
  });
}
