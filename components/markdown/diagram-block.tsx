'use client';

import { Code, Download, Maximize2, Workflow } from 'lucide-react';
import Image from 'next/image';
import { type CSSProperties, useEffect, useState } from 'react';
import { HighlightedCode } from '#components/markdown/highlighted-code';
import { CopyButton } from '#components/ui/copy-button';
import { Dialog } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { downloadUrl } from '#lib/browser/download';
import { type Diagram, drawDiagram } from './diagram-renderer.ts';
import { MARKDOWN_STRINGS } from './strings.ts';
import { useDark } from './use-dark.ts';

type Drawing = { state: 'drawing' } | { state: 'drawn'; diagram: Diagram } | { state: 'broken'; reason: string };

/**
 * A Mermaid diagram, rendered when its fence has closed. The source is shown while it grows, and
 * on demand.
 */
export function DiagramBlock({ code, isOpen }: { code: string; isOpen: boolean }) {
  const drawing = useDrawing(code, !isOpen);
  const [wantsSource, setWantsSource] = useState(false);
  const [isLarge, setLarge] = useState(false);
  const showsDiagram = drawing.state === 'drawn' && !wantsSource;
  return (
    <div className="code-block overflow-hidden rounded-md border bg-sunken" dir="ltr">
      <div className="flex h-9 items-center gap-0.5 border-b ps-3 pe-0.5">
        <span className="min-w-0 flex-1 truncate text-ink-2 text-xs">{MARKDOWN_STRINGS.diagram}</span>
        {drawing.state === 'drawn' ? (
          <>
            {wantsSource ? null : (
              <IconButton label={MARKDOWN_STRINGS.enlarge} onClick={() => setLarge(true)}>
                <Maximize2 className="size-4" strokeWidth={1.75} aria-hidden />
              </IconButton>
            )}
            <IconButton
              label={MARKDOWN_STRINGS.downloadSvg}
              onClick={() => downloadUrl('diagram.svg', drawing.diagram.url)}
            >
              <Download className="size-4" strokeWidth={1.75} aria-hidden />
            </IconButton>
            <IconButton
              label={wantsSource ? MARKDOWN_STRINGS.showDiagram : MARKDOWN_STRINGS.showSource}
              onClick={() => setWantsSource(!wantsSource)}
            >
              {wantsSource ? (
                <Workflow className="size-4" strokeWidth={1.75} aria-hidden />
              ) : (
                <Code className="size-4" strokeWidth={1.75} aria-hidden />
              )}
            </IconButton>
          </>
        ) : null}
        <CopyButton text={code} label={MARKDOWN_STRINGS.copy} />
      </div>
      {drawing.state === 'broken' ? (
        <Notice kind="warn" className="m-2">
          {MARKDOWN_STRINGS.diagramBroken} {drawing.reason}
        </Notice>
      ) : null}
      {showsDiagram ? (
        <DiagramImage diagram={drawing.diagram} source={code} />
      ) : (
        <HighlightedCode code={code} label={MARKDOWN_STRINGS.source} />
      )}
      {drawing.state === 'drawn' ? (
        <Dialog open={isLarge} onOpenChange={setLarge} title={MARKDOWN_STRINGS.diagram} wide>
          <LargeDiagram diagram={drawing.diagram} source={code} />
        </Dialog>
      ) : null}
    </div>
  );
}

interface DiagramImageProps {
  diagram: Diagram;
  source: string;
}

function DiagramImage({ diagram, source }: DiagramImageProps) {
  return (
    <div className="diagram scroller flex max-h-[70dvh] overflow-x-auto p-3" {...SCROLLABLE}>
      <SizedImage
        diagram={diagram}
        source={source}
        className="m-auto h-auto max-w-full"
        // On a narrow screen it scrolls before its labels get too small to read.
        style={{ minWidth: Math.min(Math.round(diagram.width), READABLE_PX) }}
      />
    </div>
  );
}

/** As large as the window allows: a wide diagram scrolls sideways instead of shrinking. */
function LargeDiagram({ diagram, source }: DiagramImageProps) {
  const { width } = diagram;
  return (
    <div className="scroller max-h-[calc(100dvh-8rem)] overflow-x-auto rounded-md bg-sunken p-4" {...SCROLLABLE}>
      <SizedImage
        diagram={diagram}
        source={source}
        className="h-auto max-w-none"
        style={{ width: Math.round(Math.max(width * LARGE_SCALE, Math.min(width * MAX_SCALE, LARGE_PX))) }}
      />
    </div>
  );
}

interface SizedImageProps extends DiagramImageProps {
  className: string;
  style: CSSProperties;
}

function SizedImage({ diagram: { url, width, height }, source, className, style }: SizedImageProps) {
  return (
    <Image
      unoptimized
      src={url}
      width={Math.round(width)}
      height={Math.round(height)}
      alt={MARKDOWN_STRINGS.diagramAlt(source)}
      className={className}
      style={style}
    />
  );
}

const READABLE_PX = 560;
const LARGE_SCALE = 1.5;
const MAX_SCALE = 3;
const LARGE_PX = 1_100;
const SCROLLABLE = { tabIndex: 0, role: 'group', 'aria-label': MARKDOWN_STRINGS.diagram } as const;

function useDrawing(code: string, isComplete: boolean): Drawing {
  const dark = useDark();
  const [drawn, setDrawn] = useState<{ code: string; drawing: Drawing }>();
  useEffect(() => {
    if (!isComplete || code.trim() === '') return;
    let isCurrent = true;
    const put = (drawing: Drawing) => {
      if (isCurrent) setDrawn({ code, drawing });
    };
    const drawn = isTooLarge(code) ? Promise.reject(TOO_LARGE) : drawDiagram(code, dark);
    drawn.then(
      (diagram) => put({ state: 'drawn', diagram }),
      (error: unknown) => put({ state: 'broken', reason: reasonOf(error) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [code, dark, isComplete]);
  return drawn?.code === code ? drawn.drawing : { state: 'drawing' };
}

/** To draw as many lines takes half a second, in which the page does not respond. */
const MAX_LINES = 1_000;
const TOO_LARGE = new Error(MARKDOWN_STRINGS.diagramTooLarge);

const isTooLarge = (code: string) => code.split('\n', MAX_LINES + 1).length > MAX_LINES;

/** The first line of the message. The others point into the source. */
function reasonOf(error: unknown): string {
  const line = error instanceof Error ? error.message.split('\n', 1)[0]?.trim() : undefined;
  return line === undefined || line === '' ? '' : `${line.replace(/[.:]$/, '')}.`;
}
