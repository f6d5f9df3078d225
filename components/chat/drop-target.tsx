/** Transparent: what is dropped belongs to what is read. */
export function DropTarget({ label }: { label: string }) {
  return (
    <div className="pointer-events-none absolute inset-2 z-30 flex items-start justify-center rounded-lg border-2 border-accent border-dashed pt-1">
      <span className="rounded-md bg-accent-fill px-4 py-2 font-medium text-on-accent text-sm shadow-float">
        {label}
      </span>
    </div>
  );
}
