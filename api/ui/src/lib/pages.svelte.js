import { client } from './client.svelte.js';
import { paced } from './paced.js';

const PAGE = 100;
// So much of a list is shown at the most: it is read anew with what happens.
const MOST = 1000;
// A page under a filter may be empty while there is more; so many are read for
// each that is shown.
const TRIES = 10;

/**
 * Pages is the beginning of a list of the API: its first page, further ones when
 * asked for, all of it read anew when it is told that something has changed.
 */
export class Pages {
  items = $state.raw([]);
  /** more says that the list goes on, and that more of it can be shown. */
  more = $state(false);
  /** rest says that the list goes on beyond what can be shown. */
  rest = $state(false);
  loading = $state(true);
  fault = $state('');
  #path;
  #query = {};
  #want = PAGE;
  #abort;

  constructor(path) {
    this.#path = path;
  }

  /** show reads the list under other filters. */
  show(query = {}) {
    this.#query = query;
    this.#want = PAGE;
    return this.#read();
  }

  /** extend shows one page more. */
  extend() {
    this.#want += PAGE;
    return this.#read();
  }

  /** touch says that something has changed. */
  touch = paced(() => this.#abort?.signal.aborted || this.#read());

  /** stop gives up what is being read, for good. */
  stop() {
    this.#abort?.abort();
  }

  async #read() {
    this.#abort?.abort();
    this.#abort = new AbortController();
    const signal = this.#abort.signal;
    this.loading = true;
    try {
      const [items, on] = await pages(this.#path, this.#query, this.#want, signal);
      if (signal.aborted) return;
      this.items = items;
      this.more = on && this.#want < MOST;
      this.rest = on && !this.more;
      this.fault = '';
    } catch (fault) {
      if (signal.aborted) return;
      this.fault = fault.message;
    }
    this.loading = false;
  }
}

/** pages reads so many of a list, and whether it goes on. */
export async function pages(path, query, want, signal) {
  const items = [];
  let cursor;
  let tries = (want / PAGE) * TRIES;
  do {
    const page = await client.exact(path, { ...query, limit: want - items.length, cursor }, signal);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < want && --tries > 0);
  return [items, Boolean(cursor)];
}
