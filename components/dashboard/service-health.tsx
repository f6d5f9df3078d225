'use client';

import type { ReactNode } from 'react';
import { Badge, type Tone } from '#components/ui/badge';
import { DataTable } from '#components/ui/data-table';
import { formatBytes, formatCount, formatDuration } from '#lib/browser/format';
import { useModels } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { MicroservicesHealth } from '#lib/wire/executor';
import type { ReadinessPart } from '#lib/wire/health';
import type { ModelInfo } from '#lib/wire/models';
import { useExecutors, useReadiness } from './use-ops-status.ts';

const SERVICE_NAMES: Partial<Record<string, string>> = {
  model: 'Model provider',
  sandbox: 'Sandbox',
  executors: 'Executors elsewhere',
  gateway: 'Gateway’s backend',
};

const STATE_BADGES: Record<ReadinessPart['state'], { tone: Tone; label: string }> = {
  up: { tone: 'good', label: 'Up' },
  down: { tone: 'error', label: 'Down' },
  unavailable: { tone: 'warn', label: 'Not there' },
  not_configured: { tone: 'neutral', label: 'Not configured' },
};

/** The state of each service that the server depends on. */
export function ServiceHealth() {
  const ready = useReadiness();
  return (
    <DataTable
      title="Parts"
      columns={['', 'State']}
      rows={Object.entries(ready.data?.parts ?? {}).map(([id, { state, detail }]) => ({
        key: id,
        cells: [
          <NameWithDetail key="name" name={SERVICE_NAMES[id] ?? id} detail={detail} />,
          <Badge key="state" tone={STATE_BADGES[state].tone}>
            {STATE_BADGES[state].label}
          </Badge>,
        ],
      }))}
      empty={ready.error?.message ?? 'Asking the parts.'}
    />
  );
}

/** The executor of each language, with its latency. */
export function ExecutorTable() {
  const executors = useExecutors();
  return (
    <DataTable
      wide
      title="Executors"
      columns={['Language', 'State', 'Sandbox', 'Answers in']}
      rows={executors.data?.services.map(executorRow) ?? []}
      empty={
        executors.error?.message ?? (executors.data === undefined ? 'Asking the executors.' : 'No language is set up.')
      }
    />
  );
}

function executorRow({
  language,
  version,
  status,
  notice,
  sandbox,
  latency_ms: latency,
}: MicroservicesHealth['services'][number]) {
  const isHealthy = status === 'healthy';
  const name = findLanguageInfo(language)?.name ?? language;
  return {
    key: language,
    cells: [
      <NameWithDetail key="name" name={version === null ? name : `${name} ${version}`} detail={notice ?? undefined} />,
      <Badge key="state" tone={isHealthy ? 'good' : 'error'}>
        {isHealthy ? 'Healthy' : 'Not available'}
      </Badge>,
      sandbox,
      formatDuration(latency),
    ],
  };
}

/** The available models, and which of them are loaded. */
export function ModelTable() {
  const models = useModels();
  return (
    <DataTable
      wide
      title="Models"
      columns={['Model', 'State', 'Size', 'Context']}
      rows={models.data?.models.map(modelRow) ?? []}
      empty={
        models.error?.message ??
        (models.data === undefined
          ? 'Asking which models there are.'
          : 'No model is installed: run `ollama pull deepseek-r1:8b`.')
      }
    />
  );
}

function modelRow(model: ModelInfo) {
  return {
    key: `${model.provider} ${model.id}`,
    cells: [
      <NameWithDetail
        key="name"
        name={model.id}
        detail={model.is_default ? `${model.provider}, the default` : model.provider}
      />,
      <Badge key="state" tone={model.loaded ? 'good' : 'neutral'}>
        {model.loaded ? 'Loaded' : 'Not loaded'}
      </Badge>,
      model.size_bytes === null ? '–' : formatBytes(model.size_bytes),
      model.context_length === null ? '–' : `${formatCount(model.context_length)} tokens`,
    ],
  };
}

function NameWithDetail({ name, detail }: { name: ReactNode; detail: string | undefined }) {
  return (
    <span className="flex flex-col [overflow-wrap:anywhere]">
      {name}
      {detail === undefined ? null : <span className="text-ink-3 text-xs">{detail}</span>}
    </span>
  );
}
