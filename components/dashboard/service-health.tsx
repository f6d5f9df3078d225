'use client';

import type { ReactNode } from 'react';
import { Badge, type Tone } from '#components/ui/badge';
import { DataTable, numeric, text } from '#components/ui/data-table';
import { failureSentence } from '#components/ui/stats-notice';
import { formatBytes, formatCount, formatDuration } from '#lib/browser/format';
import { useModels } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { MicroservicesHealth } from '#lib/wire/executor';
import type { ReadinessPart } from '#lib/wire/health';
import type { ModelInfo } from '#lib/wire/models';
import { DASHBOARD_STRINGS } from './strings.ts';
import { useExecutors, useReadiness } from './use-ops-status.ts';

const { services: STRINGS } = DASHBOARD_STRINGS;
const SERVICE_NAMES: Partial<Record<string, string>> = STRINGS.names;

const STATE_TONES: Record<ReadinessPart['state'], Tone> = {
  up: 'good',
  down: 'error',
  unavailable: 'warn',
  not_configured: 'neutral',
};

/** The state of each service that the server depends on. */
export function ServiceHealth() {
  const ready = useReadiness();
  return (
    <DataTable
      title={STRINGS.title}
      columns={[text(''), text(STRINGS.state)]}
      rows={Object.entries(ready.data?.parts ?? {}).map(([id, { state, detail }]) => ({
        key: id,
        cells: [
          <NameWithDetail key="name" name={SERVICE_NAMES[id] ?? id} detail={detail} />,
          <Badge key="state" tone={STATE_TONES[state]}>
            {STRINGS.states[state]}
          </Badge>,
        ],
      }))}
      empty={ready.error === undefined ? STRINGS.loading : failureSentence(ready.error)}
    />
  );
}

/** The executor of each language, with its latency. */
export function ExecutorTable() {
  const executors = useExecutors();
  return (
    <DataTable
      wide
      title={STRINGS.executors}
      columns={[text(STRINGS.language), text(STRINGS.state), text(STRINGS.sandbox), numeric(STRINGS.latency)]}
      rows={executors.data?.services.map(executorRow) ?? []}
      empty={emptyText(executors, STRINGS.loading, STRINGS.noExecutors)}
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
        {isHealthy ? STRINGS.healthy : STRINGS.unavailable}
      </Badge>,
      sandbox,
      latency < 1 ? STRINGS.belowMillisecond : formatDuration(latency),
    ],
  };
}

/** The available models, and which of them are loaded. */
export function ModelTable() {
  const models = useModels();
  const hasServers = new Set(models.data?.models.flatMap(({ servers }) => servers ?? [])).size > 1;
  return (
    <DataTable
      wide
      title={STRINGS.models}
      columns={[text(STRINGS.model), text(STRINGS.state), numeric(STRINGS.size), numeric(STRINGS.context)]}
      rows={models.data?.models.map((model) => modelRow(model, hasServers)) ?? []}
      empty={emptyText(models, STRINGS.loadingModels, STRINGS.noModels)}
    />
  );
}

function modelRow(model: ModelInfo, hasServers: boolean) {
  return {
    key: `${model.provider} ${model.id}`,
    cells: [
      <NameWithDetail key="name" name={model.id} detail={modelDetail(model, hasServers)} />,
      <Badge key="state" tone={model.loaded ? 'good' : 'neutral'}>
        {model.loaded ? STRINGS.loaded : STRINGS.notLoaded}
      </Badge>,
      model.size_bytes === null ? '–' : formatBytes(model.size_bytes),
      model.context_length === null ? '–' : STRINGS.tokens(formatCount(model.context_length)),
    ],
  };
}

/** Its provider, the servers that have it if there is a choice, and what an alias stands for. */
function modelDetail({ provider, is_default, servers = [], alias_of: aliasFor = [] }: ModelInfo, hasServers: boolean) {
  const usual = is_default ? STRINGS.defaultModel(provider) : provider;
  const placed = hasServers && servers.length > 0 ? STRINGS.onServers(usual, servers.join(', ')) : usual;
  return aliasFor.length === 0 ? placed : STRINGS.aliasFor(placed, aliasFor.join(', '));
}

function emptyText(
  { data, error }: { data: unknown; error: Error | undefined },
  loading: string,
  none: string,
): string {
  if (error !== undefined) return failureSentence(error);
  return data === undefined ? loading : none;
}

function NameWithDetail({ name, detail }: { name: ReactNode; detail: string | undefined }) {
  return (
    <span className="flex flex-col [overflow-wrap:anywhere]">
      {name}
      {detail === undefined ? null : <span className="text-ink-3 text-xs">{detail}</span>}
    </span>
  );
}
