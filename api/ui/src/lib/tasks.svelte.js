import { client } from './client.svelte.js';
import { born, ended, running } from './format.js';

// First a screenful and a bit, then as many as one answer holds.
const FIRST = 100;
const NEXT = 500;
// So many rows are kept while new ones come in at the top.
const KEPT = 20_000;

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
  #filter = {};
  #byID = new Map();
  #from = {}; // the query of the next page
  #abort;

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
    this.loading = false;
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
    this.loading = false;
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

  /** take follows events and tells how many rows were put on top. */
  take(events) {
    const changed = new Map();
    const fresh = new Map();
    for (const e of events) {
      const row = fresh.get(e.task_id) ?? changed.get(e.task_id) ?? this.#byID.get(e.task_id);
      if (row) changed.set(row.id, moved(row, e));
      else if (this.#wants(e)) fresh.set(e.task_id, moved(begun(e), e));
      if (row && fresh.has(row.id)) {
        fresh.set(row.id, changed.get(row.id));
        changed.delete(row.id);
      }
    }
    if (changed.size + fresh.size === 0) return 0;
    const top = this.#put(changed, fresh);
    this.#trim();
    return top;
  }

  #put(changed, fresh) {
    const fits = (r) => !this.#filter.state || this.#filter.state.split(',').includes(r.state);
    let rows = this.rows;
    if (changed.size) {
      rows = rows.map((r) => changed.get(r.id) ?? r).filter((r) => !changed.has(r.id) || fits(r));
      for (const [id, r] of changed) fits(r) ? this.#byID.set(id, r) : this.#byID.delete(id);
    }
    const oldest = this.more ? (this.rows.at(-1)?.id ?? '') : '';
    const newest = this.rows[0]?.id ?? '';
    const added = [...fresh.values()].filter((r) => fits(r) && r.id > oldest);
    for (const r of added) this.#byID.set(r.id, r);
    added.sort(newestFirst);
    if (added.length) {
      rows = added.concat(rows);
      if (added.at(-1).id < newest) rows.sort(newestFirst);
    }
    this.rows = rows;
    return added.length;
  }

  #trim() {
    if (this.rows.length <= KEPT) return;
    for (const r of this.rows.slice(KEPT)) this.#byID.delete(r.id);
    this.rows = this.rows.slice(0, KEPT);
    this.more = true;
    this.#from = { until: new Date(born(this.rows.at(-1).id) + 1).toISOString() };
  }

  #wants(e) {
    const { queue, task, state } = this.#filter;
    if (queue && e.queue !== queue) return false;
    if (task && e.task !== task && !e.task.startsWith(`${task.split('.')[0]}.`)) return false;
    if (task?.includes('.') && !task.endsWith('.') && e.task !== task) return false;
    // The states in between may still come; what has none is judged at the end.
    return state || e.task_id ? true : false;
  }
}

const newestFirst = (a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

const begun = (e) => ({ id: e.task_id, task: e.task, queue: e.queue, created_at: born(e.task_id) });

/** moved is a row after an event. */
export function moved(row, e) {
  const next = { ...row, state: e.state, attempt: e.attempt, error: e.error ? { type: e.error } : undefined };
  if (running(e.state) && !running(row.state)) next.started_at = e.time;
  if (ended(e.state)) next.finished_at = e.time;
  return next;
}

/** took is how long the last attempt ran, as far as known. */
export function took(row) {
  if (row.usage) return row.usage.wall_ms;
  if (!row.started_at || !row.finished_at) return undefined;
  return new Date(row.finished_at) - new Date(row.started_at);
}
