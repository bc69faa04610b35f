import { client } from './client.svelte.js';
import { sse } from './sse.js';

// Events are gathered for this long before they are shown.
const GATHER = 120;
// A hidden page lets its connection go after a while: a browser opens only six
// to one node, and takes up again where it was when it is looked at.
const HIDDEN = 20_000;

/**
 * Stream follows /v1/events as an EventSource would: it comes back by itself and
 * goes on after the last event it has seen.
 */
class Stream {
  /** 'connecting', 'live', 'paused' (the page is hidden) or 'lost'. */
  state = $state('connecting');
  #listeners = new Set();
  #last = '';
  #waiting = [];
  #timer;
  #abort;
  #hidden;

  constructor() {
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.#hidden);
      if (document.hidden) this.#hidden = setTimeout(() => this.#pause(), HIDDEN);
      else if (this.state === 'paused') this.start(true);
    });
  }

  /** on calls events(list) with what came, reset() when all must be read anew. */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** start connects, from now on or after the last event. */
  start(resume = false) {
    this.#abort?.abort();
    if (!resume) {
      this.#last = '';
      this.#waiting = [];
    }
    this.#abort = new AbortController();
    this.state = 'connecting';
    this.#run(this.#abort.signal);
  }

  #pause() {
    this.#abort?.abort();
    this.state = 'paused';
  }

  async #run(signal) {
    for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, 5000)) {
      try {
        const headers = this.#last ? { 'Last-Event-ID': this.#last } : {};
        const answer = await client.fetch('events', { headers, signal });
        // What happened between the first reading and now is not in a stream
        // that begins now.
        if (!this.#last) this.#tell('reset');
        this.state = 'live';
        wait = 125;
        for await (const m of sse(answer.body)) {
          if (signal.aborted) return;
          this.#take(m);
        }
      } catch {
        if (signal.aborted) return;
      }
      if (!signal.aborted) this.state = client.refused ? 'connecting' : 'lost';
      if (client.refused) return; // a new token starts it again
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  #take({ id, type, data }) {
    if (id) this.#last = id;
    if (type === 'reset') return this.#tell('reset');
    if (!data) return;
    this.#waiting.push(JSON.parse(data));
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell('events', this.#waiting.splice(0));
    }, GATHER);
  }

  #tell(what, ...args) {
    for (const l of this.#listeners) l[what]?.(...args);
  }
}

export const stream = new Stream();
