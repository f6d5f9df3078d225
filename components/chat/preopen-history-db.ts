/** What the database of this browser's conversations is called. */
export const HISTORY_DB_NAME = 'chill-space';

/**
 * A script for a page that will show a conversation: has the browser open its database while the page's own scripts still come. That takes a
 * fifth of a second, in which nothing else of the page has to wait. Where there is no such database it makes none, and a
 * connection that the page does not take over is closed again.
 */
export const PREOPEN_HISTORY_DB_SCRIPT = `try{const r=indexedDB.open('${HISTORY_DB_NAME}');r.onupgradeneeded=()=>r.transaction.abort();r.onerror=e=>e.preventDefault();r.onsuccess=()=>{const d=r.result;d.onversionchange=()=>d.close();setTimeout(()=>d.close(),1e4)}}catch{}`;
