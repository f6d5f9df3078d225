import { isRecord } from '#lib/browser/type-guards';
import { DIAGRAM_FRAME } from '#lib/wire/diagram';
import { MARKDOWN_STRINGS } from './strings.ts';

export interface Diagram {
  /** A data URL of an SVG image, which runs and loads nothing. */
  url: string;
  /** In CSS pixels. */
  width: number;
  height: number;
}

/** Mermaid may never finish some layouts. */
const DRAW_TIMEOUT_MS = 20_000;
/** The frame takes some megabytes: it is removed after this idle time. */
const IDLE_MS = 60_000;
const MAX_CACHED = 100;
const MAX_SIDE_PX = 20_000;

const cache = new Map<string, Promise<Diagram>>();
let frame: DiagramFrame | undefined;

/**
 * Renders a Mermaid diagram in a frame without any access (`lib/http/diagram-files.ts`). Rejects
 * with an `Error` whose message is shown to the reader.
 */
export function drawDiagram(text: string, dark: boolean): Promise<Diagram> {
  const key = `${dark}\n${text}`;
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  frame ??= new DiagramFrame(() => {
    frame = undefined;
  });
  const drawing = frame.draw(text, dark);
  cache.set(key, drawing);
  for (const oldest of cache.keys()) if (cache.size > MAX_CACHED) cache.delete(oldest);
  // A syntax error is permanent; a timeout may not repeat.
  drawing.catch((error: unknown) => {
    if (!(error instanceof DiagramError)) cache.delete(key);
  });
  return drawing;
}

class DiagramError extends Error {}

interface PendingDiagram {
  resolve: (diagram: Diagram) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** One hidden frame renders all diagrams of the page. */
class DiagramFrame {
  readonly #element = document.createElement('iframe');
  readonly #ready = Promise.withResolvers<void>();
  readonly #pending = new Map<number, PendingDiagram>();
  readonly #onEnd: () => void;
  #count = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    const element = this.#element;
    element.title = MARKDOWN_STRINGS.diagramFrame;
    element.tabIndex = -1;
    element.ariaHidden = 'true';
    element.setAttribute('sandbox', 'allow-scripts');
    // Mermaid measures text, which needs layout.
    element.style.cssText =
      'position:fixed;inset:0 auto auto 0;width:1200px;height:800px;visibility:hidden;border:0;z-index:-1;pointer-events:none';
    element.src = `/api/diagrams/${DIAGRAM_FRAME}`;
    addEventListener('message', this.#onMessage);
    document.body.append(element);
  }

  draw(text: string, dark: boolean): Promise<Diagram> {
    clearTimeout(this.#idle);
    const id = ++this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<Diagram>();
    const timer = setTimeout(() => {
      this.#end(new Error(MARKDOWN_STRINGS.diagramTimeout));
    }, DRAW_TIMEOUT_MS);
    this.#pending.set(id, { resolve, reject, timer });
    // The frame has an opaque origin, which no other target matches.
    void this.#ready.promise.then(() => this.#element.contentWindow?.postMessage({ id, text, dark }, '*'));
    return promise;
  }

  readonly #onMessage = ({ source, data }: MessageEvent<unknown>) => {
    if (source !== this.#element.contentWindow || !isRecord(data)) return;
    if (data.ready === true) {
      this.#ready.resolve();
      return;
    }
    const pending = typeof data.id === 'number' ? this.#pending.get(data.id) : undefined;
    if (pending === undefined) return;
    this.#pending.delete(Number(data.id));
    clearTimeout(pending.timer);
    const { svg, width, height } = data;
    if (typeof svg === 'string' && isSide(width) && isSide(height))
      pending.resolve({ url: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`, width, height });
    else
      pending.reject(
        new DiagramError(typeof data.error === 'string' ? data.error : MARKDOWN_STRINGS.diagramWithoutSize),
      );
    if (this.#pending.size === 0) this.#idle = setTimeout(() => this.#end(new Error('idle')), IDLE_MS);
  };

  #end(error: Error): void {
    removeEventListener('message', this.#onMessage);
    clearTimeout(this.#idle);
    this.#element.remove();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    this.#onEnd();
  }
}

const isSide = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < MAX_SIDE_PX;
