'use client';

import { StatusButton } from '#components/shell/status-button';
import { useFreshServices, useServices } from './use-services.ts';

/** The state of model and runner as dots, each with a popover of its details. */
export function StatusDots() {
  const services = useServices();
  useFreshServices();
  return (
    <div className="flex w-full flex-col gap-0.5">
      {services.map((service) => (
        <StatusButton key={service.name} service={service} />
      ))}
    </div>
  );
}
