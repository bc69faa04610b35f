import { client } from './client.svelte.js';

const EVERY = 3000;

/** Cluster is the nodes and workers, read again and again. */
export class Cluster {
  status = $state.raw(undefined);
  workers = $state.raw([]);
  #timer;

  slots = $derived(this.workers.reduce((n, w) => n + w.concurrency, 0));
  busy = $derived(this.workers.reduce((n, w) => n + Math.min(w.outstanding, w.concurrency), 0));

  start() {
    const read = async () => {
      await this.read();
      this.#timer = setTimeout(read, document.hidden ? 10 * EVERY : EVERY);
    };
    read();
    return () => clearTimeout(this.#timer);
  }

  // A fault shows in the connection's sign, and in what stays as it was.
  async read() {
    try {
      const [status, workers] = await Promise.all([client.get('cluster'), client.get('workers', { limit: 1000 })]);
      this.status = status;
      this.workers = workers.items;
    } catch {
      return;
    }
  }
}
