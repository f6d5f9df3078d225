import type { CompileService, WarmSandbox } from '#lib/runner/sandbox/sandbox';
import { log } from '#lib/telemetry/log';

/** What services are started for, by identity. */
export interface ServiceTemplate {
  /** As people see it in the statistics. */
  name: string;
  /** Estimated memory of one service. */
  megabytes: number;
}

export interface CompileServicesOptions {
  /** Services of one template at most: as many as programs run at a time. */
  size: number;
  /** The services of a template are discarded after so long without a compilation. */
  idleMs: number;
}

interface ServiceSlot {
  services: CompileService[];
  lent: Set<CompileService>;
  /** The most that were needed at a time. */
  demand: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/**
 * Compilers in sandboxes that serve many programs. A compilation has its service alone. One that
 * finds none free runs in a new sandbox, so no caller waits for the compilation of another. See
 * docs/decisions/0019-compile-services.md.
 */
export class CompileServices {
  readonly #options: CompileServicesOptions;
  readonly #slots = new Map<ServiceTemplate, ServiceSlot>();
  readonly #discarding = new Set<Promise<void>>();

  constructor(options: CompileServicesOptions) {
    this.#options = options;
  }

  /** Estimated memory of all services. */
  get megabytes(): number {
    return [...this.#slots].reduce((sum, [{ megabytes }, { services }]) => sum + megabytes * services.length, 0);
  }

  all(): { name: string; sandbox: WarmSandbox }[] {
    return [...this.#slots].flatMap(([{ name }, { services }]) => services.map((sandbox) => ({ name, sandbox })));
  }

  /** Lends a service for one compilation, which returns it. */
  take(template: ServiceTemplate): WarmSandbox | undefined {
    const slot = this.#slotOf(template);
    this.#dropDead(slot);
    slot.demand = Math.min(this.#options.size, Math.max(slot.demand, slot.lent.size + 1));
    const free = slot.services.filter((service) => !slot.lent.has(service));
    const service = free.find(isFresh) ?? free.find(({ isReady }) => isReady) ?? free[0];
    if (service === undefined) return undefined;
    slot.lent.add(service);
    const giveBack = () => slot.lent.delete(service);
    return {
      get isAlive() {
        return service.isAlive;
      },
      residentBytes: () => service.residentBytes(),
      run: (execution) => service.run(execution).finally(giveBack),
      discard: () => service.discard().finally(giveBack),
    };
  }

  /** Starts as many services as are needed at a time. A worn one serves until another is ready. */
  refill(template: ServiceTemplate, start: () => CompileService, reserveMemory: () => boolean): void {
    const slot = this.#slotOf(template);
    clearTimeout(slot.idleTimer);
    slot.idleTimer = setTimeout(() => this.#empty(template), this.#options.idleMs).unref();
    this.#dropDead(slot);
    try {
      while (slot.services.filter(({ isWorn }) => !isWorn).length < slot.demand && reserveMemory())
        slot.services.push(start());
    } catch (error) {
      log().error({ kind: template.name, err: error }, 'could not start a compile service');
    }
    let surplus = slot.services.filter((service) => isFresh(service) || service.isWorn).length - slot.demand;
    for (const worn of slot.services.filter((service) => service.isWorn && !slot.lent.has(service))) {
      if (surplus <= 0) break;
      surplus -= 1;
      this.#discard(slot, worn);
    }
  }

  async close(): Promise<void> {
    for (const template of this.#slots.keys()) this.#empty(template);
    await Promise.all(this.#discarding);
  }

  #slotOf(template: ServiceTemplate): ServiceSlot {
    const slot = this.#slots.get(template) ?? { services: [], lent: new Set(), demand: 0, idleTimer: undefined };
    this.#slots.set(template, slot);
    return slot;
  }

  #dropDead(slot: ServiceSlot): void {
    for (const service of slot.services.filter(({ isAlive }) => !isAlive)) {
      if (!slot.lent.has(service)) this.#discard(slot, service);
    }
  }

  #empty(template: ServiceTemplate): void {
    const slot = this.#slotOf(template);
    clearTimeout(slot.idleTimer);
    slot.demand = 0;
    for (const service of [...slot.services]) if (!slot.lent.has(service)) this.#discard(slot, service);
  }

  #discard(slot: ServiceSlot, service: CompileService): void {
    slot.services.splice(slot.services.indexOf(service), 1);
    const discarding = service
      .discard()
      .catch((error: unknown) => log().error({ err: error }, 'could not discard a compile service'))
      .finally(() => this.#discarding.delete(discarding));
    this.#discarding.add(discarding);
  }
}

/** Ready, with most of its life left. */
function isFresh({ isReady, isWorn }: CompileService): boolean {
  return isReady && !isWorn;
}
