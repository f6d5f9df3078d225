'use client';

import { useEffect, useState } from 'react';

interface QrCodeProps {
  text: string;
  /** For screen readers, which get the text elsewhere. */
  label: string;
}

interface Drawing {
  size: number;
  /** A square of one unit for each dark module. */
  path: string;
}

/** A QR code that is drawn in the page: its text is a secret, and goes to no other server. */
export function QrCode({ text, label }: QrCodeProps) {
  const [drawing, setDrawing] = useState<Drawing>();
  useEffect(() => {
    let isCurrent = true;
    import('uqr').then(
      ({ encode }) => {
        const { data, size } = encode(text, { border: 2 });
        if (isCurrent) setDrawing({ size, path: pathOf(data) });
      },
      // The secret below is enough.
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [text]);
  return (
    // Cameras want dark on white, in the dark theme too.
    <div className="flex size-48 items-center justify-center self-center rounded-md bg-[#fff] p-1 forced-color-adjust-none">
      {drawing === undefined ? null : (
        <svg viewBox={`0 0 ${drawing.size} ${drawing.size}`} role="img" aria-label={label} shapeRendering="crispEdges">
          <path d={drawing.path} fill="#000" />
        </svg>
      )}
    </div>
  );
}

function pathOf(rows: readonly (readonly boolean[])[]): string {
  return rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : []))).join('');
}
