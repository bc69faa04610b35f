// The address after # says what is shown: #/SECTION/ID?filters. A link to it
// shows the same to someone else.

class Route {
  section = $state('tasks');
  id = $state('');
  query = $state({});

  constructor() {
    this.read();
    addEventListener('hashchange', () => this.read());
  }

  read() {
    const [path, search = ''] = location.hash.replace(/^#\/?/, '').split('?');
    const [section, id = ''] = path.split('/');
    this.section = section || 'tasks';
    this.id = decodeURIComponent(id);
    const query = Object.fromEntries(new URLSearchParams(search));
    if (JSON.stringify(query) !== JSON.stringify(this.query)) this.query = query;
  }

  /** href is the address of a section with the present filters, changed. */
  href(section, id = '', change = {}) {
    const query = new URLSearchParams();
    for (const [k, v] of Object.entries({ ...this.query, ...change })) if (v) query.set(k, v);
    const search = query.size ? `?${query}` : '';
    return `#/${section}${id ? `/${encodeURIComponent(id)}` : ''}${search}`;
  }

  /** go shows something; with replace, Back does not lead to what was before. */
  go(section, id = '', change = {}, replace = false) {
    const href = this.href(section, id, change);
    if (replace) {
      history.replaceState(null, '', href);
      this.read();
    } else {
      location.hash = href;
    }
  }

  get namespace() {
    return this.query.ns || 'default';
  }
}

export const route = new Route();
