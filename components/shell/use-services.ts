import { useEffect } from 'react';
import { useIsOffline } from '#lib/browser/connection';
import { onServerSignal } from '#lib/browser/server-signals';
import { modelStatus, runnerStatus, type ServiceStatus, useModels, useRunnerHealth } from '#lib/browser/service-status';
import { SERVICE_STRINGS } from '#lib/browser/service-strings';
import { SHELL_STRINGS } from './strings.ts';

export interface Service {
  /** Short, for the rail. */
  label: string;
  name: string;
  status: ServiceStatus;
}

const OFFLINE: ServiceStatus = { level: 'unknown', sentence: SERVICE_STRINGS.offline };

/** The model and the code runner. Nothing is known about either while the browser is offline. */
export function useServices(): readonly [model: Service, runner: Service] {
  const isOnline = !useIsOffline();
  const models = useModels();
  const runner = useRunnerHealth();
  return [
    {
      label: SHELL_STRINGS.model,
      name: SHELL_STRINGS.model,
      status: isOnline ? modelStatus(models.data, models.error) : OFFLINE,
    },
    {
      label: SHELL_STRINGS.runner,
      name: SHELL_STRINGS.codeRunner,
      status: isOnline ? runnerStatus(runner.data, runner.error) : OFFLINE,
    },
  ];
}

/** Looks at both services as soon as any request finds the server unreachable. */
export function useFreshServices(): void {
  const { mutate: lookAtModels, error: modelsError } = useModels();
  const { mutate: lookAtRunner, error: runnerError } = useRunnerHealth();
  const isKnown = modelsError !== undefined && runnerError !== undefined;
  useEffect(() => {
    // Both are asked again anyway while they fail.
    if (isKnown) return;
    // A failed look is a signal too.
    let isLooking = false;
    return onServerSignal((signal) => {
      if (signal !== 'unreachable' || isLooking) return;
      isLooking = true;
      void Promise.allSettled([lookAtModels(), lookAtRunner()]).then(() => {
        isLooking = false;
      });
    });
  }, [isKnown, lookAtModels, lookAtRunner]);
}
