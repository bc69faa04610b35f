export const STATES = ['pending', 'received', 'started', 'deferred', 'retry', 'success', 'failure', 'revoked', 'skipped', 'upstream_failed'];

export const RUN_STATES = ['queued', 'running', 'success', 'failed', 'cancelled'];
export const KINDS = ['task', 'chain', 'group', 'chord', 'map', 'starmap', 'chunks'];

const RUN_FINAL = new Set(['success', 'failed', 'cancelled']);
export const runEnded = (state) => RUN_FINAL.has(state);

const FINAL = new Set(['success', 'failure', 'revoked', 'skipped', 'upstream_failed', 'removed']);
const BEGUN = new Set(['received', 'started']);

export const ended = (state) => FINAL.has(state);
export const running = (state) => BEGUN.has(state);

/** born is when an id was made, in milliseconds: a UUIDv7 begins with it. */
export const born = (id) => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** at shows a time, with its day unless that is today. */
export function at(time) {
  const t = new Date(time);
  const text = clock.format(t);
  return t.toDateString() === new Date().toDateString() ? text : `${day.format(t)} ${text}`;
}

/** full shows a time to the millisecond. */
export const full = (time) => `${at(time)}.${String(new Date(time).getMilliseconds()).padStart(3, '0')}`;

/** span shows milliseconds. */
export function span(ms) {
  if (ms === undefined || Number.isNaN(ms)) return '';
  if (ms < 1) return `${Math.round(Math.max(ms, 0) * 1000)} µs`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} m ${Math.floor((ms % 60_000) / 1000)} s`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
  return `${Math.floor(minutes / 1440)} d`;
}

const whole = new Intl.NumberFormat('en-US');
export const count = (n) => whole.format(n).replaceAll(',', '\u202f');

/** rate shows a number a second. */
export function rate(n) {
  if (!n) return '0';
  return n < 10 ? n.toFixed(1) : count(Math.round(n));
}

export function bytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1 << 20) return `${(n / 1024).toFixed(1)} KiB`;
  return `${(n / (1 << 20)).toFixed(1)} MiB`;
}
