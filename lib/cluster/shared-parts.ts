import type { ChatEngineOptions } from '#lib/chat/chat-engine';
import type { LocalParts } from '#lib/chat/engine-core';
import type { EngineParts } from '#lib/chat/engine-parts';
import type { GenerationContext } from '#lib/chat/generation/generation';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { AloneRuns } from '#lib/cluster/alone-runs';
import { SharedFlights } from '#lib/cluster/flights';
import { Mirrors } from '#lib/cluster/mirrors';
import { RunCare } from '#lib/cluster/run-care';
import { RunWork } from '#lib/cluster/run-processor';
import { RunRecovery } from '#lib/cluster/run-recovery';
import { RunStore, setUnsaved } from '#lib/cluster/runs';
import { SharedOverview } from '#lib/cluster/shared-overview';
import type { ClusterLink, SharedLine, SharedLineParts } from '#lib/cluster/shared-types';
import { UnsharedRuns } from '#lib/cluster/unshared-runs';
import { SECOND_MS } from '#lib/units';

export type StartedLine = SharedLine & { start(): Promise<void> };

/** The parts of an engine that are shared, as one engine has them. */
export class SharedParts {
  readonly link: ClusterLink;
  store!: RunStore;
  mirrors!: Mirrors;
  alone!: AloneRuns;
  unshared!: UnsharedRuns;
  care!: RunCare;
  work!: RunWork;
  flights!: SharedFlights;
  line!: StartedLine;
  overview!: SharedOverview;
  readonly #options: ChatEngineOptions;
  readonly #createLine: (parts: SharedLineParts) => StartedLine;
  /** Of the generations of this engine; set when it is made. */
  context: GenerationContext | undefined;
  /** A request of any server by its id. Never rejects. */
  find: (id: string) => Promise<PendingRequest | undefined> = async () => undefined;

  constructor(options: ChatEngineOptions, link: ClusterLink, createLine: (parts: SharedLineParts) => StartedLine) {
    this.#options = options;
    this.link = link;
    this.#createLine = createLine;
  }

  /** Puts what is shared in the place of what is of this process. */
  connect(local: LocalParts): EngineParts {
    const { settings, clock, inFlight, scheduler, usage } = local;
    const { link } = this;
    const serverOf = (id: string) => scheduler.lanes().find(({ server }) => server.id === id)?.server;
    this.store = new RunStore({
      link,
      ttlMs: settings.QUEUE_RESULT_TTL_SECONDS * SECOND_MS,
      requestsOf: (generation) => inFlight.requestsOf(generation),
      flightOf: (run) => this.flights.heldBy(run),
      onCreate: (generation, lane) => this.mirrors.adopt(generation, lane),
      onAdmitted: (generation) => this.mirrors.handleAdmitted(generation),
      onNotAdmitted: (generation) => this.mirrors.release(generation),
      onUnshared: (generation, lane) => this.unshared.add(generation, lane),
    });
    const context = () => this.#context;
    this.mirrors = new Mirrors({
      link,
      store: this.store,
      inFlight,
      usage,
      clock,
      context,
      serverOf,
      line: () => this.line,
      checkOwned: (run) => void this.work.check(run),
      onRemove: (run) => {
        if (this.alone.get(run) === undefined) this.flights.forget(run);
      },
    });
    const known = { link, store: this.store, mirrors: this.mirrors, inFlight, line: () => this.line };
    this.alone = new AloneRuns({
      ...known,
      work: () => this.work,
      onRemove: (run) => this.flights.forget(run),
    });
    this.unshared = new UnsharedRuns({ ...known, adopt: (run) => this.work.adopt(run) });
    const recovery = new RunRecovery(known);
    this.care = new RunCare({ ...known, alone: this.alone, unshared: this.unshared, recovery, clock });
    this.flights = new SharedFlights({ link, store: this.store, inFlight, mirrors: this.mirrors });
    this.work = new RunWork({
      link,
      store: this.store,
      mirrors: this.mirrors,
      inFlight,
      clock,
      laneOf: (id) => scheduler.lanes().find(({ server }) => server.id === id),
      local: scheduler,
      alone: () => this.alone,
      log: this.#options.log,
    });
    this.line = this.#createLine({
      link,
      runs: this.store,
      processor: (taken) => this.work.process(taken),
      local: scheduler,
      settings,
    });
    this.overview = new SharedOverview({
      link,
      mirrors: this.mirrors,
      own: this.line.view,
      laneWork: () => this.line.work(),
      laneOf: (id) => scheduler.lanes().find(({ server }) => server.id === id),
    });
    inFlight.onAdd = (request) => this.#handleAdded(request);
    return {
      ...local,
      scheduler: this.line,
      shared: {
        hooks: { onUnwanted: (generation, end) => this.mirrors.handleUnwanted(generation, end) },
        claim: (request) => {
          const claim = this.flights.claim(request);
          // In the same trip.
          if (claim !== undefined) this.line.readAhead(request.priority);
          return claim;
        },
        find: (id) => this.find(id),
        turnsLeft: (turns) => this.store.turnsLeft(turns),
      },
    };
  }

  get #context(): GenerationContext {
    if (this.context === undefined) throw new Error('the engine is not made yet');
    return this.context;
  }

  #handleAdded(request: PendingRequest): void {
    const { generation } = request;
    if (request.isCopy) return;
    if (generation.finishedAt === undefined) {
      // Until the line takes it, and for good if that is this process's own.
      setUnsaved(request);
      this.unshared.handleAdded(request);
      if (this.mirrors.get(generation.id)?.generation !== generation) return;
      // A client that waits for that cannot read yet.
      generation.retain();
      // It has joined. That is not known elsewhere if Redis fails now, which the reply to it says.
      const written = this.store
        .addTicket(generation.id, request)
        .catch(() => {
          if (request.saved !== undefined) request.saved.isOnDisk = false;
        })
        .finally(() => generation.release());
      this.store.expect(request, written);
      this.mirrors.want(generation.id);
    } else if (request.detached) {
      if (!this.link.connection.isUsable) {
        setUnsaved(request);
        return;
      }
      const events = Array.from(
        { length: generation.log.lastNumber },
        (_, index) => generation.log.eventAt(index + 1) ?? [],
      ).flat();
      // If Redis fails now, the result is known here alone, which the reply to it says.
      const written = this.store.addFinished(request, events).catch(() => setUnsaved(request));
      request.saved = { eventOffset: 0, isOnDisk: true, isShared: true, written };
    }
  }
}
