export const HISTORY_DB_NAME = 'chill-space';

/**
 * An inline script that opens the history database while the page's scripts load. Opening takes a
 * fifth of a second that would otherwise delay the conversation. The script creates no database,
 * and closes a connection that the page does not take over.
 */
export const PREOPEN_HISTORY_DB_SCRIPT = `try{const r=indexedDB.open('${HISTORY_DB_NAME}');r.onupgradeneeded=()=>r.transaction.abort();r.onerror=e=>e.preventDefault();r.onsuccess=()=>{const d=r.result;d.onversionchange=()=>d.close();setTimeout(()=>d.close(),1e4)}}catch{}`;
