import { authMode } from '#lib/config/auth-mode';
import { isLoopback } from '#lib/config/loopback';
import { AppError } from '#lib/errors';
import { clientIp } from '#lib/http/client-ip';
import type { HttpRequest } from '#lib/http/http-request';
import { requireRight } from '#lib/http/principal';
import type { RequestContext } from '#lib/http/route';

/** Headers of proxies. Without TRUST_PROXY they say that the address is not the client's. */
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip'] as const;

/**
 * Throws `forbidden` unless the caller may manage Ollama's models: OLLAMA_MANAGE is on, and the
 * caller is an administrator, who without authentication has to be on this machine.
 */
export function requireManagement({ headers }: HttpRequest, context: RequestContext): void {
  const { settings, peerAddress, principal } = context;
  const { OLLAMA_MANAGE: isOn, TRUST_PROXY: trust } = settings;
  requireRight(principal, 'manage');
  if (!isOn)
    throw new AppError(
      'forbidden',
      "Managing Ollama's models through this server is off. Set OLLAMA_MANAGE=true to allow it, or use Ollama itself.",
    );
  if (authMode(settings) !== 'none') return;
  const isProxied = trust === undefined && PROXY_HEADERS.some((name) => headers.get(name) !== null);
  const address = clientIp(peerAddress, headers.get('x-forwarded-for'), trust);
  if (isProxied || address === undefined || !isLoopback(address))
    throw new AppError(
      'forbidden',
      "Without API_KEYS, Ollama's models can be managed only from the machine of this server, and not through a proxy. Set API_KEYS to allow it for administrators elsewhere.",
    );
}
