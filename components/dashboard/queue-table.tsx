'use client';

import { useState } from 'react';
import type { ActionOutcome } from '#components/dashboard/cache-actions';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { DataTable, type RowData } from '#components/ui/data-table';
import { Confirm } from '#components/ui/dialog';
import { formatCount, formatDuration, formatSeconds } from '#lib/browser/format';
import type { QueueOverview } from '#lib/wire/chat';
import { cancelRequest, useQueue } from './use-ops-status.ts';

/** Running and waiting requests in order. Each can be cancelled. */
export function QueueTable({ onOutcome }: { onOutcome: (outcome: ActionOutcome) => void }) {
  const queue = useQueue();
  const [requestId, setRequestId] = useState<string>();
  const [open, setOpen] = useState(false);
  const confirmCancel = (id: string) => {
    setRequestId(id);
    setOpen(true);
  };
  const cancel = async () => {
    if (requestId === undefined) return;
    try {
      await cancelRequest(requestId);
      onOutcome({ kind: 'info', sentence: `Request ${shortened(requestId)} is cancelled.` });
    } catch (error) {
      onOutcome({ kind: 'error', sentence: error instanceof Error ? error.message : 'It did not work. Try again.' });
    }
    void queue.mutate();
  };
  return (
    <>
      <DataTable
        wide
        title="Queue"
        note={queue.error === undefined ? note(queue.data) : queue.error.message}
        columns={['Request', 'State', 'Priority', 'Since', '']}
        rows={queue.data === undefined ? [] : rows(queue.data, confirmCancel)}
        empty={queue.data === undefined ? 'Asking who waits.' : 'Nobody is being answered, and nobody waits.'}
      />
      <Confirm
        open={open}
        onOpenChange={setOpen}
        title="Cancel this request?"
        description="Whoever asked it gets no answer, or no more of it, and the model is free for the next one."
        action="Cancel the request"
        danger
        onConfirm={() => void cancel()}
      />
    </>
  );
}

function note(queue: QueueOverview | undefined): string | undefined {
  if (queue === undefined) return undefined;
  const places = `${queue.processing.length} of ${queue.max_concurrent} at the model, ${formatCount(queue.queue_length)} of at most ${formatCount(queue.max_queue_size)} wait`;
  return queue.average_processing_time_ms === 0
    ? places
    : `${places}; an answer takes ${formatDuration(queue.average_processing_time_ms)} on average`;
}

function rows({ processing, pending }: QueueOverview, confirmCancel: (id: string) => void): RowData[] {
  const button = (id: string | undefined) =>
    id === undefined ? null : (
      <Button key="cancel" size="sm" aria-label={`Cancel request ${shortened(id)}`} onClick={() => confirmCancel(id)}>
        Cancel
      </Button>
    );
  return [
    ...processing.map(({ request_id: id, model, running_ms: ms }, index) => ({
      key: id ?? `running ${index}`,
      cells: [
        name(id),
        <Badge key="state" tone="accent">
          Running on {model}
        </Badge>,
        '–',
        formatSeconds(ms),
        button(id),
      ],
    })),
    ...pending.map(({ request_id: id, queue_position: position, priority, waiting_ms: ms }) => ({
      key: id ?? `waiting ${position}`,
      cells: [name(id), `${formatCount(position)}. in line`, String(priority), formatSeconds(ms), button(id)],
    })),
  ];
}

/** The server hides other callers' ids if keys are in use. */
function name(id: string | undefined): string {
  return id === undefined ? 'Another caller’s' : shortened(id);
}

function shortened(id: string): string {
  return id.slice(0, 8);
}
