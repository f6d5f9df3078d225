/** The metrics of one worker, in the text exposition format. */
export interface WorkerExposition {
  readonly worker: number;
  readonly text: string;
}

/** What a metric has in common in all workers, and their samples. */
interface Family {
  readonly header: string[];
  readonly samples: string[];
}

const HEADER = /^# (?:HELP|TYPE) (\S+)/;

/**
 * The metrics of all workers as one exposition. Each sample has the label `worker`, because the
 * same series of two workers would be one otherwise; `instance` is a label that Prometheus itself
 * gives. All samples of a metric follow one another, as the format demands:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#grouping-and-sorting
 */
export function mergeExpositions(expositions: readonly WorkerExposition[]): string {
  const families = new Map<string, Family>();
  for (const { worker, text } of expositions) {
    const seen = new Set<string>();
    let family: Family | undefined;
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const name = HEADER.exec(line)?.[1];
      if (name === undefined) {
        if (!line.startsWith('#')) family?.samples.push(labelled(line, worker));
        continue;
      }
      const known = families.get(name);
      family = known ?? { header: [], samples: [] };
      families.set(name, family);
      // The lines of the first worker that has the metric are for all.
      if (known === undefined) seen.add(name);
      if (seen.has(name)) family.header.push(line);
    }
  }
  return `${[...families.values()].flatMap(({ header, samples }) => [...header, ...samples]).join('\n')}\n`;
}

/** `name{a="b"} 1` and `name 1`. */
function labelled(sample: string, worker: number): string {
  const end = sample.search(/[{ ]/);
  const name = sample.slice(0, end);
  return sample[end] === '{'
    ? `${name}{worker="${worker}",${sample.slice(end + 1)}`
    : `${name}{worker="${worker}"}${sample.slice(end)}`;
}
