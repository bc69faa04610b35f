import { client } from './client.svelte.js';

// Events are gathered for this long before they are shown.
const GATHER = 120;
// A hidden page lets its connection go after a while: a browser opens only six
// to one node, and takes up again where it was when it is looked at.
const HIDDEN = 20_000;
// A stream that says nothing for this long, not even that it lives, is dead.
const SILENT = 40_000;

/**
 * Stream follows /v1/events. It reads with fetch, since an EventSource cannot
 * send a token, and otherwise does what one does: it comes back by itself and
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
        await this.#read(answer.body.getReader(), signal);
      } catch {
        if (signal.aborted) return;
      }
      if (!signal.aborted) this.state = client.refused ? 'connecting' : 'lost';
      if (client.refused) return; // a new token starts it again
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  async #read(reader, signal) {
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      let timer;
      const silent = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error('silent')), SILENT)));
      const { done, value } = await Promise.race([reader.read(), silent]).finally(() => clearTimeout(timer));
      if (done || signal.aborted) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block) {
    let id, type, data;
    for (const line of block.split('\n')) {
      if (line.startsWith('id: ')) id = line.slice(4);
      else if (line.startsWith('event: ')) type = line.slice(7);
      else if (line.startsWith('data: ')) data = line.slice(6);
    }
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
