// A node of its own for a test: bin/windrowd on free loopback ports with a data
// folder that goes with it.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function freePort() {
  return new Promise((done, fail) => {
    const s = createServer();
    s.on('error', fail);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });
}

/** until asks again and again, for a while. */
export async function until(what, ask, within = 20_000) {
  const end = Date.now() + within;
  let last;
  do {
    try {
      const got = await ask();
      if (got) return got;
    } catch (fault) {
      last = fault;
    }
    await new Promise((done) => setTimeout(done, 20));
  } while (Date.now() < end);
  throw new Error(`${what}: not within ${within} ms${last ? ` (${last})` : ''}`);
}

export async function startNode(...flags) {
  const dir = await mkdtemp(join(tmpdir(), 'windrow-page-'));
  const [http, raft] = [await freePort(), await freePort()];
  const origin = `http://127.0.0.1:${http}`;
  const args = ['--data-dir', dir, '--http-addr', `127.0.0.1:${http}`, '--raft-addr', `127.0.0.1:${raft}`, '--concurrency', '4', ...flags];
  let child;
  let gone;
  let said = '';

  const node = {
    origin,
    dir,
    async api(method, path, body, headers = {}) {
      const raw = body instanceof Uint8Array || typeof body === 'string';
      const answer = await fetch(`${origin}/v1/${path}`, {
        method,
        body: raw || body === undefined ? body : JSON.stringify(body),
        headers: { 'Content-Type': 'application/json', ...headers },
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    async push(name, headers = {}) {
      const wasm = await readFile(join(root, 'internal/guests/wasm', `${name}.wasm`));
      return node.api('PUT', `modules/${name}`, new Uint8Array(wasm), { 'Content-Type': 'application/wasm', ...headers });
    },
    /** begin starts the process, anew after a crash. */
    async begin() {
      child = spawn(join(root, 'bin/windrowd'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let exited = false;
      gone = new Promise((done) => child.on('exit', done)).then(() => (exited = true));
      for (const out of [child.stdout, child.stderr]) out.on('data', (b) => (said = (said + b).slice(-20_000)));
      await until('the node is ready', async () => {
        if (exited) throw new Error('it has ended');
        return (await fetch(`${origin}/readyz`)).ok;
      });
    },
    async crash() {
      child.kill('SIGKILL');
      await gone;
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
      await gone;
      clearTimeout(timer);
      await rm(dir, { recursive: true, force: true });
    },
  };
  try {
    await node.begin();
  } catch (fault) {
    await node.stop();
    throw new Error(`${fault.message}\n${said}`);
  }
  return node;
}
