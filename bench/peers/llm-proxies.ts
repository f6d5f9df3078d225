/**
 * Proxies for language models, each as its documentation sets it up, without logs of requests and
 * without limits.
 */
import { type RunningServer, scratchFile, startProgram } from '../harness.ts';
import { goPeer, type Peer, pythonPeer } from './install.ts';

const OLLA = 'github.com/thushan/olla@v0.0.28';
/** Pinned: a newer release is taken by hand. */
const LITELLM = '1.80.5';

export interface LlmProxy {
  name: string;
  path: string;
  /**
   * Its circuit breaker takes callers who leave for failures of the model server, as wrk's do at
   * the end of a load, so that it is started again for each.
   */
  hasBreaker: boolean;
  start: (modelUrl: string, models: readonly string[]) => Promise<RunningServer>;
}

/** Those that this machine can have, and why it has not the others. */
export function llmProxies(): { proxies: LlmProxy[]; skipped: string[] } {
  const made: [Peer, (program: string) => LlmProxy][] = [
    [goPeer('olla', OLLA), olla],
    [pythonPeer('litellm', LITELLM, 'proxy'), litellm],
  ];
  return {
    proxies: made.flatMap(([peer, proxy]) => ('program' in peer ? [proxy(peer.program)] : [])),
    skipped: made.flatMap(([peer]) => ('skipped' in peer ? [peer.skipped] : [])),
  };
}

function olla(program: string): LlmProxy {
  const config = (url: string) => `
server:
  host: 127.0.0.1
  request_logging: false
  rate_limits: { global_requests_per_minute: 0, per_ip_requests_per_minute: 0, health_requests_per_minute: 0, burst_size: 100000 }
proxy: { engine: olla, profile: streaming, load_balancer: priority }
discovery:
  type: static
  static:
    endpoints:
      - { url: "${url}", name: model, type: openai-compatible, priority: 100, health_check_url: /v1/models, model_url: /v1/models }
logging: { level: error, format: json }
`;
  return {
    name: 'Olla',
    hasBreaker: true,
    path: '/olla/openai/v1/chat/completions',
    start: (url) =>
      startProgram(program, ['--config', scratchFile('olla.yaml', config(url))], '/internal/health', {
        OLLA_SERVER_PORT: '{port}',
      }),
  };
}

function litellm(program: string): LlmProxy {
  const config = (url: string, models: readonly string[]) =>
    JSON.stringify({
      model_list: models.map((model) => ({
        model_name: model,
        litellm_params: { model: `openai/${model}`, api_base: `${url}/v1`, api_key: 'none' },
      })),
    });
  return {
    name: `LiteLLM ${LITELLM}`,
    hasBreaker: false,
    path: '/v1/chat/completions',
    // JSON is YAML.
    start: (url, models) =>
      startProgram(
        program,
        ['--config', scratchFile('litellm.yaml', config(url, models)), '--host', '127.0.0.1', '--port', '{port}'],
        '/health/liveliness',
        { LITELLM_LOG: 'ERROR', LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
      ),
  };
}
