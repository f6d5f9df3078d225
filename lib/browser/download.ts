/** Saves a text as a file of the reader. */
export function downloadText(name: string, text: string, type = 'text/plain'): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  downloadUrl(name, url);
  // The click has started the download. A slow browser gets a minute to read the blob.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function downloadUrl(name: string, url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}
