import { client } from './client.svelte.js';
import { sse } from './sse.js';

/**
 * follow gives what a task logs and tells of its progress, from its beginning
 * until it has ended. Where the node is lost it goes on where it was.
 */
export async function follow(id, signal, { text, progress, lost }) {
  let last = '';
  for (let wait = 250; ; wait = Math.min(wait * 2, 5000)) {
    try {
      const headers = { Accept: 'text/event-stream', ...(last && { 'Last-Event-ID': last }) };
      const answer = await client.fetch(`tasks/${encodeURIComponent(id)}/logs`, { query: { follow: true }, headers, signal });
      for await (const m of sse(answer.body)) {
        if (signal.aborted) return;
        wait = 125;
        if (m.id) last = m.id;
        if (!m.data) continue;
        const news = JSON.parse(m.data);
        if (m.type === 'log') text(news.text);
        else if (m.type === 'progress') progress(news.progress);
        else if (m.type === 'end') return;
      }
    } catch (fault) {
      if (signal.aborted) return;
      lost(fault);
      if (fault.status >= 400 && fault.status < 500) return; // asking again does not help
    }
    await new Promise((done) => setTimeout(done, wait));
    if (signal.aborted) return;
  }
}
