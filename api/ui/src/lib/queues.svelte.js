import { SvelteMap } from 'svelte/reactivity';
import { client } from './client.svelte.js';
import { ended } from './format.js';

// Rates are over so many whole seconds, the line shows so many.
const WINDOW = 5;
const LINE = 60;
// How often depths are read.
const EVERY = 2000;

/**
 * Queues are the queues with their depth, read again and again, and their
 * rates, counted from events.
 */
export class Queues {
  items = $state.raw([]);
  fault = $state('');
  /** rates by queue: {in, out, line: ended tasks in each of the last seconds}. */
  rates = new SvelteMap();
  #seconds = new Map(); // queue → second → {in, out}
  #timer;
  #tick;

  start() {
    const read = async () => {
      await this.read();
      this.#timer = setTimeout(read, document.hidden ? 10 * EVERY : EVERY);
    };
    read();
    this.#tick = setInterval(() => this.#count(), 1000);
    return () => {
      clearTimeout(this.#timer);
      clearInterval(this.#tick);
    };
  }

  async read() {
    try {
      this.items = (await client.get('queues', { limit: 1000 })).items;
      this.fault = '';
    } catch (fault) {
      this.fault = fault.message;
    }
  }

  clear() {
    this.#seconds.clear();
    this.rates.clear();
    this.items = [];
  }

  take(events) {
    for (const e of events) {
      const came = e.state === 'pending' && e.attempt === 0;
      if (!came && !ended(e.state)) continue;
      let of = this.#seconds.get(e.queue);
      if (!of) this.#seconds.set(e.queue, (of = new Map()));
      const second = Math.floor(Date.now() / 1000);
      const n = of.get(second) ?? { in: 0, out: 0 };
      came ? n.in++ : n.out++;
      of.set(second, n);
    }
  }

  #count() {
    const now = Math.floor(Date.now() / 1000);
    for (const [name, of] of this.#seconds) {
      for (const second of of.keys()) if (second < now - LINE) of.delete(second);
      if (of.size === 0) {
        this.#seconds.delete(name);
        this.rates.delete(name);
        continue;
      }
      const r = { in: 0, out: 0, line: [] };
      for (let s = now - LINE; s < now; s++) {
        const n = of.get(s);
        r.line.push(n?.out ?? 0);
        if (n && s >= now - WINDOW) {
          r.in += n.in / WINDOW;
          r.out += n.out / WINDOW;
        }
      }
      this.rates.set(name, r);
    }
  }
}
