import { route } from './route.svelte.js';

const TOKEN = 'windrow-token';

/** Problem is a refusal of the node, or that it did not answer (status 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || (status ? `the node answered ${status}` : 'the node does not answer'));
    this.status = status;
    this.code = body?.code ?? '';
  }
}

class Client {
  token = $state(sessionStorage.getItem(TOKEN) ?? '');
  /** refused is set while the node wants another token than ours. */
  refused = $state(false);

  useToken(token) {
    sessionStorage.setItem(TOKEN, token);
    this.token = token;
    this.refused = false;
  }

  /** url is relative, so that the page works behind any path. */
  url(path, query = {}) {
    const q = new URLSearchParams();
    for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== '') q.set(k, v);
    if (route.namespace !== 'default') q.set('namespace', route.namespace);
    return `v1/${path}${q.size ? `?${q}` : ''}`;
  }

  async fetch(path, { query, headers = {}, ...init } = {}) {
    const token = this.token;
    if (token) headers.Authorization = `Bearer ${token}`;
    let answer;
    try {
      answer = await fetch(this.url(path, query), { ...init, headers, cache: 'no-store' });
    } catch (fault) {
      if (fault.name === 'AbortError') throw fault;
      throw new Problem(0);
    }
    if (answer.ok) return answer;
    if (answer.status === 401 && token === this.token) this.refused = true;
    throw new Problem(answer.status, await answer.json().catch(() => undefined));
  }

  async get(path, query, signal) {
    return (await this.fetch(path, { query, signal })).json();
  }

  /** exact keeps whole numbers that a double cannot hold as they are written. */
  async exact(path, query, signal) {
    return parse(await (await this.fetch(path, { query, signal })).text());
  }

  async post(path, body) {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key() };
    return (await this.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
  }
}

// crypto.randomUUID is missing where a node is reached over plain HTTP.
function key() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

function parse(text) {
  if (!JSON.rawJSON) return JSON.parse(text);
  return JSON.parse(text, (_, value, context) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
      ? JSON.rawJSON(context.source)
      : value,
  );
}

export const client = new Client();
