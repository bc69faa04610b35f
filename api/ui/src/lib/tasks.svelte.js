import { client } from './client.svelte.js';
import { born, ended } from './format.js';

// First a screenful and a bit, then as many as one answer holds.
const FIRST = 100;
const NEXT = 500;
// So many rows are kept while new ones come in at the top.
const KEPT = 20_000;
// How long after an event rows are read again for what it does not say.
const REFRESH = 700;

/**
 * Tasks is the list of newest tasks under a filter: read page by page as it is
 * scrolled, kept fresh by events.
 */
export class Tasks {
  /** rows, newest first; replaced, never changed, by what comes. */
  rows = $state.raw([]);
  loading = $state(true);
  /** more says that older tasks were not read yet. */
  more = $state(false);
  fault = $state('');
  /** onadded hears how many rows came in at the top. */
  onadded;
  #filter = {};
  #byID = new Map();
  #from = {}; // the query of the next page
  #abort;
  #held = []; // events that came while the list was read
  #refreshing;

  /** show reads the list anew. The old rows stay until the new ones are here. */
  async show(filter) {
    this.#filter = filter;
    this.#abort?.abort();
    this.#abort = new AbortController();
    const signal = this.#abort.signal;
    this.loading = true;
    try {
      const rows = await this.#page({}, FIRST, signal);
      this.#byID = new Map(rows.map((r) => [r.id, r]));
      this.rows = rows;
      this.fault = '';
    } catch (fault) {
      if (signal.aborted) return;
      this.fault = fault.message;
    }
    this.#release();
  }

  /** extend reads the next page, once. */
  async extend() {
    if (this.loading || !this.more) return;
    this.loading = true;
    const signal = this.#abort.signal;
    try {
      const rows = (await this.#page(this.#from, NEXT, signal)).filter((r) => !this.#byID.has(r.id));
      if (signal.aborted) return;
      for (const r of rows) this.#byID.set(r.id, r);
      this.rows = this.rows.concat(rows);
    } catch (fault) {
      if (signal.aborted) return;
      this.fault = fault.message;
      this.more = false;
    }
    this.#release();
  }

  // A page of a filtered list may be short while there is more.
  async #page(from, want, signal) {
    const rows = [];
    do {
      const page = await client.get('tasks', { ...this.#filter, limit: want, ...from }, signal);
      rows.push(...page.items);
      from = page.next_cursor ? { cursor: page.next_cursor } : undefined;
    } while (from && rows.length < want / 2);
    if (!signal.aborted) {
      this.more = Boolean(from);
      this.#from = from;
    }
    return rows;
  }

  /** take follows events. */
  take(events) {
    if (this.loading) {
      for (const e of events) this.#held.push(e);
      return;
    }
    const changed = new Map();
    for (const e of events) {
      const row = changed.get(e.task_id) ?? this.#byID.get(e.task_id);
      if (row || this.#wants(e)) changed.set(e.task_id, moved(row ?? begun(e), e));
    }
    if (changed.size === 0) return;
    const known = new Map([...changed].filter(([id]) => this.#byID.has(id)));
    const oldest = this.more ? (this.rows.at(-1)?.id ?? '') : '';
    const fresh = [...changed.values()].filter((r) => !known.has(r.id) && this.#fits(r) && r.id > oldest);
    if (known.size) this.#change(known);
    if (fresh.length) this.#add(fresh.sort(newestFirst));
    if ([...changed.values()].some((r) => ended(r.state) && !r.usage)) {
      this.#refreshing ??= setTimeout(() => this.#refresh(), REFRESH);
    }
  }

  // An event does not say what an attempt used; the newest rows are read again
  // for it, once in a while.
  async #refresh() {
    try {
      const { items } = await client.get('tasks', { ...this.#filter, limit: FIRST }, this.#abort.signal);
      const known = new Map(items.filter((r) => ended(r.state) && this.#byID.has(r.id)).map((r) => [r.id, r]));
      if (known.size) this.#change(known);
    } catch {
      // The next events ask again.
    } finally {
      this.#refreshing = undefined;
    }
  }

  #release() {
    this.loading = false;
    this.take(this.#held.splice(0));
  }

  #change(known) {
    this.rows = this.rows.map((r) => known.get(r.id) ?? r).filter((r) => !known.has(r.id) || this.#fits(r));
    for (const [id, r] of known) {
      if (this.#fits(r)) this.#byID.set(id, r);
      else this.#byID.delete(id);
    }
  }

  #add(fresh) {
    const inOrder = !this.rows.length || fresh.at(-1).id > this.rows[0].id;
    for (const r of fresh) this.#byID.set(r.id, r);
    const rows = fresh.concat(this.rows);
    this.rows = inOrder ? rows : rows.sort(newestFirst);
    this.#trim();
    this.onadded?.(fresh.length);
  }

  #trim() {
    if (this.rows.length <= KEPT) return;
    for (const r of this.rows.slice(KEPT)) this.#byID.delete(r.id);
    this.rows = this.rows.slice(0, KEPT);
    this.more = true;
    this.#from = { until: new Date(born(this.rows.at(-1).id) + 1).toISOString() };
  }

  #fits(row) {
    return !this.#filter.state || this.#filter.state.split(',').includes(row.state);
  }

  // The state is not asked here: more events of the task may follow.
  #wants(e) {
    const { queue, task } = this.#filter;
    if (queue && e.queue !== queue) return false;
    if (!task) return true;
    const [module, name] = task.split('.', 2);
    return name ? e.task === task : e.task.startsWith(`${module}.`);
  }
}

const newestFirst = (a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

const begun = (e) => ({ id: e.task_id, task: e.task, queue: e.queue, created_at: born(e.task_id) });

/** moved is a row after an event. */
export function moved(row, e) {
  if (ended(row.state)) return row; // an event from before the row was read
  return { ...row, state: e.state, attempt: e.attempt, error: e.error ? { type: e.error } : undefined };
}
