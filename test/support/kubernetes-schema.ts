import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

/**
 * The parts of the Kubernetes API that `deploy/kubernetes` uses, strictly: an unknown field is a
 * fault, as with `kubectl --validate=strict`. Packages with the whole API either accept unknown
 * fields (kubernetes-models) or have 70 MB (kubernetes-validate, whose strict mode accepts these
 * files for 1.30, 1.34 and 1.37). A field that is used for the first time is added here, by
 * https://kubernetes.io/docs/reference/kubernetes-api/.
 */

const name = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'a DNS label')
  .max(63);
const labels = z.record(z.string().regex(/^([a-z0-9.-]+\/)?[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/), z.string().max(63));
const metadata = z.strictObject({ name, labels: labels.optional() });
const seconds = z.int().min(1);
const quantity = z.string().regex(/^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'a quantity');
const matchLabels = z.strictObject({ matchLabels: labels });
const port = z.int().min(1).max(65_535);
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.union([port, name]) }),
  periodSeconds: seconds,
  timeoutSeconds: seconds.optional(),
  failureThreshold: seconds,
});
const profile = z.strictObject({ type: z.enum(['RuntimeDefault', 'Unconfined', 'Localhost']) });
const resources = z.strictObject({ cpu: quantity.optional(), memory: quantity.optional() });

const container = z.strictObject({
  name,
  image: z.string().min(1),
  ports: z.array(z.strictObject({ name: name.max(15), containerPort: port })),
  envFrom: z.array(z.strictObject({ secretRef: z.strictObject({ name }) })),
  // A value is a string: a number without quotes is refused by the API.
  env: z.array(z.strictObject({ name: z.string().regex(/^[A-Z_][A-Z0-9_]*$/), value: z.string() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({ requests: resources, limits: resources }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.boolean(),
    capabilities: z.strictObject({ drop: z.array(z.string()) }),
  }),
  volumeMounts: z.array(z.strictObject({ name, mountPath: z.string().startsWith('/') })),
});

const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    strategy: z.strictObject({
      type: z.literal('RollingUpdate'),
      rollingUpdate: z.strictObject({ maxUnavailable: z.int().min(0), maxSurge: z.int().min(0) }),
    }),
    selector: matchLabels,
    template: z.strictObject({
      metadata: z.strictObject({ labels }),
      spec: z.strictObject({
        terminationGracePeriodSeconds: seconds,
        automountServiceAccountToken: z.boolean(),
        enableServiceLinks: z.boolean(),
        securityContext: z.strictObject({
          runAsNonRoot: z.boolean(),
          runAsUser: z.int().min(1),
          runAsGroup: z.int().min(1),
          fsGroup: z.int().min(1),
          seccompProfile: profile,
          appArmorProfile: profile,
        }),
        topologySpreadConstraints: z.array(
          z.strictObject({
            maxSkew: seconds,
            topologyKey: z.string(),
            whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
            labelSelector: matchLabels,
          }),
        ),
        containers: z.array(container).length(1),
        volumes: z.array(z.strictObject({ name, emptyDir: z.strictObject({ sizeLimit: quantity }) })),
      }),
    }),
  }),
});

const service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata,
  spec: z.strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    selector: labels,
    ports: z.array(
      z.strictObject({ name, port, targetPort: z.union([port, name]), protocol: z.enum(['TCP', 'UDP', 'SCTP']) }),
    ),
  }),
});

const policies = z.strictObject({
  stabilizationWindowSeconds: z.int().min(0).max(3_600),
  policies: z.array(
    z.strictObject({ type: z.enum(['Pods', 'Percent']), value: seconds, periodSeconds: seconds.max(1_800) }),
  ),
});

const autoscaler = z.strictObject({
  apiVersion: z.literal('autoscaling/v2'),
  kind: z.literal('HorizontalPodAutoscaler'),
  metadata,
  spec: z
    .strictObject({
      scaleTargetRef: z.strictObject({ apiVersion: z.literal('apps/v1'), kind: z.literal('Deployment'), name }),
      minReplicas: seconds,
      maxReplicas: seconds,
      metrics: z.array(
        z.discriminatedUnion('type', [
          z.strictObject({
            type: z.literal('External'),
            external: z.strictObject({
              metric: z.strictObject({ name: z.string(), selector: matchLabels }),
              target: z.strictObject({ type: z.enum(['AverageValue', 'Value']), averageValue: quantity }),
            }),
          }),
          z.strictObject({
            type: z.literal('Resource'),
            resource: z.strictObject({
              name: z.enum(['cpu', 'memory']),
              target: z.strictObject({ type: z.literal('Utilization'), averageUtilization: seconds }),
            }),
          }),
        ]),
      ),
      behavior: z.strictObject({ scaleUp: policies, scaleDown: policies }),
    })
    .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, 'minReplicas is above maxReplicas'),
});

const disruptionBudget = z.strictObject({
  apiVersion: z.literal('policy/v1'),
  kind: z.literal('PodDisruptionBudget'),
  metadata,
  spec: z.strictObject({
    maxUnavailable: z.int().min(0),
    unhealthyPodEvictionPolicy: z.enum(['IfHealthyBudget', 'AlwaysAllow']),
    selector: matchLabels,
  }),
});

const secret = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata,
  type: z.literal('Opaque'),
  stringData: z.record(z.string().regex(/^[-._A-Za-z0-9]+$/), z.string()),
});

const object = z.discriminatedUnion('kind', [deployment, service, autoscaler, disruptionBudget, secret]);
export type KubernetesObject = z.infer<typeof object>;

/** The objects of a file. Throws for a fault of YAML, and for a field that is not known. */
export function parseManifests(text: string): KubernetesObject[] {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    return object.parse(document.toJS());
  });
}
