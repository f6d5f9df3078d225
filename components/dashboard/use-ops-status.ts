import type { SWRResponse } from 'swr';
import { ApiError, requestJson, UNREACHABLE } from '#lib/browser/api-client';
import { API_BASE, CODE_API_BASE } from '#lib/browser/endpoints';
import { isExecutors, isQueueCancelled, isQueueOverview } from '#lib/browser/response-guards';
import { hasShape } from '#lib/browser/type-guards';
import { usePolled } from '#lib/browser/use-sampled-stats';
import type { QueueOverview } from '#lib/wire/chat-queue';
import type { MicroservicesHealth } from '#lib/wire/executor';
import type { ServerReadiness } from '#lib/wire/health';
import { DASHBOARD_STRINGS } from './strings.ts';

const isReadiness = hasShape<ServerReadiness>({ status: 'string', parts: 'object' });

const PARTS_REFRESH_MS = 10_000;
const TIMEOUT_MS = 10_000;

export function useQueue(): SWRResponse<QueueOverview, Error> {
  return usePolled('queue', fetchQueue);
}

export function useExecutors(): SWRResponse<MicroservicesHealth, Error> {
  return usePolled('executors', fetchExecutors, PARTS_REFRESH_MS);
}

export function useReadiness(): SWRResponse<ServerReadiness, Error> {
  return usePolled('ready', fetchReadiness, PARTS_REFRESH_MS);
}

/** Throws `ApiError`, also if the request has ended or is unknown. */
export async function cancelRequest(id: string): Promise<void> {
  const query = `requestId=${encodeURIComponent(id)}&cancelled_by=operator`;
  await requestJson(isQueueCancelled, `${API_BASE}/api/chat-queue?${query}`, { method: 'DELETE' });
}

function fetchQueue(): Promise<QueueOverview> {
  return requestJson(isQueueOverview, `${API_BASE}/api/chat-queue`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}

function fetchExecutors(): Promise<MicroservicesHealth> {
  const base = CODE_API_BASE.replace(/\/v1$/, '');
  return requestJson(isExecutors, `${base}/microservices/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}

/** A server that is not ready responds with 503 and the same body. */
async function fetchReadiness(): Promise<ServerReadiness> {
  // Without a response, and with one that is no JSON, the readiness is unknown.
  const response = await fetch(`${API_BASE}/api/ready`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    () => undefined,
  );
  const body: unknown = await response?.json().catch(() => undefined);
  if (isReadiness(body)) return body;
  throw new ApiError(DASHBOARD_STRINGS.services.readinessUnknown, response?.status ?? 0, UNREACHABLE);
}
