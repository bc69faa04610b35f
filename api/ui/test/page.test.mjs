// The page in a real browser against a real node.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { startNode, until } from './node.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env.WINDROW_SHOTS; // a folder for screenshots

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});
after(() => browser?.close());

/** open shows a page and keeps what must not happen on it. */
async function open(origin, { path = '', width = 1280, height = 800, dark = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && faults.push(`console: ${m.text()}`));
  page.on('pageerror', (e) => faults.push(`fault: ${e}`));
  page.on('request', (r) => new URL(r.url()).origin !== origin && faults.push(`request: ${r.url()}`));
  await page.goto(`${origin}/${path}`);
  return { page, faults, close: () => context.close() };
}

async function accessible(page, where) {
  // As the debugger does, past the page's policy.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  const bad = found.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join(' | ')}`), [], where);
}

const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
const shoot = (page, name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });
const live = (page) => page.getByRole('status', { name: 'Connection: live' }).waitFor();
const row = (page, ...words) => words.reduce((l, w) => l.filter({ hasText: w }), page.getByRole('grid').getByRole('row'));

describe('the page', () => {
  let node;
  let view;
  before(async () => {
    node = await startNode('--egress-allow', '127.0.0.0/8');
  });
  after(() => node?.stop());

  test('is calm while there is nothing, and says how to begin', async () => {
    view = await open(node.origin);
    await live(view.page);
    await view.page.getByText('No task yet').waitFor();
    const commands = await view.page.getByRole('region', { name: 'Commands' }).textContent();
    assert.match(commands, /windrow module push/);
    assert.ok(commands.includes(`WINDROW_SERVER=${node.origin}`), commands);
    await accessible(view.page, 'empty');
    await shoot(view.page, 'empty');
  });

  test('shows tasks as they come and move', async () => {
    const { page } = view;
    for (const guest of ['echo', 'sleep', 'fail', 'logger']) await node.push(guest);
    await node.api('POST', 'tasks?wait=20s', { task: 'echo.main', input: { hello: 'world', big: [1, 2, 3] }, labels: { team: 'a' } });
    await row(page, 'echo.main', 'success').first().waitFor();
    await node.api('POST', 'tasks?wait=20s', { task: 'fail.main', input: 3, queue: 'mail' });
    await row(page, 'fail.main', 'failure').first().waitFor();
    await page.getByRole('complementary', { name: 'Queues' }).getByText('mail').waitFor();
    const batch = Array.from({ length: 300 }, (_, i) => ({ task: 'echo.main', input: i }));
    await node.api('POST', 'tasks/batch', batch);
    await until('300 more', async () => /30\d/.test(await page.locator('.shown').textContent()));
    await until('all ended', async () => (await page.getByRole('grid').getByText('pending').count()) === 0);
    await until('a rate', async () => /done [1-9]/.test(await page.getByRole('complementary', { name: 'Queues' }).textContent()));
    await shoot(page, 'tasks');
    assert.ok((await page.getByRole('grid').getByRole('row').count()) < 80, 'rows out of sight exist');
  });

  test('shows a task with all there is to know', async () => {
    const { page } = view;
    const call = '{"task": "echo.main", "input": {"n": 12345678901234567890}, "labels": {"team": "a"}}';
    const { id } = await node.api('POST', 'tasks?wait=20s', call);
    await page.locator(`#t-${id}`).click();
    const detail = page.getByRole('complementary', { name: 'Task' });
    await detail.getByText(id).waitFor();
    const said = await detail.textContent();
    for (const word of ['12345678901234567890', 'Result', 'Input', 'team=a', 'default, priority 5', 'echo, version 1']) {
      assert.ok(said.includes(word), `${word} in ${said}`);
    }
    await accessible(page, 'detail');
    await shoot(page, 'detail');
    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'detached' });
  });

  test('filters by state, queue and task, with a link that says so', async () => {
    const { page } = view;
    await page.getByRole('combobox', { name: 'State' }).selectOption('failure');
    await until('only the failed one', async () => (await page.getByRole('grid').getByRole('row').count()) === 1);
    assert.match(page.url(), /state=failure/);
    await node.api('POST', 'tasks?wait=20s', { task: 'echo.main', input: 'not this' });
    await node.api('POST', 'tasks?wait=20s', { task: 'fail.main', input: 2, queue: 'mail' });
    await until('the new failed one', async () => (await page.getByRole('grid').getByRole('row').count()) === 2);
    assert.equal(await row(page, 'echo.main').count(), 0);
    await page.getByRole('combobox', { name: 'State' }).selectOption('');
    await page.getByRole('combobox', { name: 'Queue' }).selectOption('mail');
    await until('both of the queue', async () => (await page.getByRole('grid').getByRole('row').count()) === 2);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByRole('searchbox', { name: 'Task' }).fill('fail');
    await until('a link that says so', async () => /task=fail/.test(page.url())); // the rows were two before
    await until('those of the module', async () => (await page.getByRole('grid').getByRole('row').count()) === 2);
    await page.reload();
    await until('the same after a reload', async () => (await page.getByRole('grid').getByRole('row').count()) === 2);
    await page.getByRole('searchbox', { name: 'Task' }).fill('nobody.main');
    await page.getByText('No task is like this.').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await row(page, 'echo.main').first().waitFor();
  });

  test('revokes after it has asked, and follows a log', async () => {
    const { page } = view;
    const { id } = await node.api('POST', 'tasks', { task: 'echo.main', countdown: '1h' });
    await page.locator(`#t-${id}`).click();
    const detail = page.getByRole('complementary', { name: 'Task' });
    await detail.getByText(id).waitFor();
    await detail.getByText('time', { exact: true }).waitFor();
    await detail.getByRole('button', { name: 'Revoke' }).click();
    const ask = page.getByRole('dialog');
    await ask.waitFor();
    await shoot(page, 'revoke');
    await ask.getByRole('button', { name: 'Keep it' }).click();
    assert.equal((await node.api('GET', `tasks/${id}`)).state, 'pending');
    await detail.getByRole('button', { name: 'Revoke' }).click();
    await ask.getByRole('button', { name: 'Revoke' }).click();
    await detail.getByText('revoked', { exact: true }).first().waitFor();
    assert.equal((await node.api('GET', `tasks/${id}`)).state, 'revoked');

    const sleeper = await node.api('POST', 'tasks', { task: 'sleep.main', input: 60_000 });
    await page.locator(`#t-${sleeper.id}`).click();
    await detail.getByText(sleeper.id).waitFor();
    await until('it runs', async () => ['received', 'started'].includes((await node.api('GET', `tasks/${sleeper.id}`)).state));
    await detail.getByText(/received|started/, { exact: true }).first().waitFor();
    await detail.getByRole('button', { name: 'Revoke' }).click();
    await ask.getByText('It is running').waitFor();
    await ask.getByRole('button', { name: 'Revoke' }).click();
    await detail.getByText('revoked', { exact: true }).first().waitFor();

    const logger = await node.api('POST', 'tasks?wait=20s', { task: 'logger.main', input: 5 });
    await page.locator(`#t-${logger.id}`).click();
    const log = detail.getByRole('log');
    await until('a log', async () => (await log.textContent()).length > 0);
    await shoot(page, 'log');
    await page.getByRole('button', { name: 'Close' }).click();
  });

  test('shows how far a task is, and goes on where its stream broke', async () => {
    const { page } = view;
    const asked = [];
    const event = (id, type, data) => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
    const answers = [
      event('1-4-w', 'log', { attempt: 1, text: 'one\n' }) + event('1-4-w', 'progress', { attempt: 1, progress: { done: 1, total: 4, note: 'mails' } }),
      event('1-8-w', 'log', { attempt: 1, text: 'two\n' }) + event('1-8-w', 'progress', { attempt: 1, progress: { current: 3, total: 4, state: 'SENDING' } }),
    ];
    await page.route(/\/logs\?follow/, (r) => {
      asked.push(r.request().headers()['last-event-id'] ?? '');
      return r.fulfill({ contentType: 'text/event-stream', body: answers[asked.length - 1] ?? ': alive\n\n' });
    });
    const { id } = await node.api('POST', 'tasks', { task: 'sleep.main', input: 60_000 });
    await page.locator(`#t-${id}`).click();
    const detail = page.getByRole('complementary', { name: 'Task' });
    const progress = detail.getByRole('group', { name: 'Progress' });
    await until('the second part', async () => (await progress.textContent()).includes('3/4') && (await progress.textContent()).includes('SENDING'));
    assert.equal(await progress.getByRole('progressbar').evaluate((b) => b.value / b.max), 0.75);
    assert.equal(await detail.getByRole('log').textContent(), 'one\ntwo\n');
    assert.deepEqual(asked.slice(0, 2), ['', '1-4-w']);
    await until('it is seen to run', async () => (await detail.getByText('started', { exact: true }).count()) > 0);
    await accessible(page, 'progress');
    await shoot(page, 'progress');
    await page.unroute(/\/logs\?follow/);
    await node.api('POST', `tasks/${id}/revoke`, { terminate: true });
    await page.getByRole('button', { name: 'Close' }).click();
  });

  test('obeys the keyboard', async () => {
    const { page } = view;
    await page.getByRole('grid').focus();
    for (const key of ['Home', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
    const detail = page.getByRole('complementary', { name: 'Task' });
    await detail.waitFor();
    const second = await page.getByRole('grid').getByRole('row').nth(1).getAttribute('id');
    assert.ok(page.url().includes(second.slice(2)), 'the second row is open');
    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'grid');
    await page.keyboard.press('End');
    await until('the end', async () => page.getByRole('grid').evaluate((g) => g.scrollTop > 0));
    await page.keyboard.press('Home');
  });

  test('takes up the stream where the node was lost', async () => {
    const { page } = view;
    await node.crash();
    await page.getByRole('status', { name: 'Connection: reconnecting' }).waitFor();
    await node.begin();
    await node.api('POST', 'tasks?wait=20s', { task: 'echo.main', queue: 'later' });
    await live(page);
    await row(page, 'later', 'success').first().waitFor();
  });

  test('shows queues, nodes and workers', async () => {
    const { page } = view;
    await page.getByRole('link', { name: 'Queues' }).click();
    await page.getByRole('cell', { name: 'mail', exact: true }).waitFor();
    await accessible(page, 'queues');
    await shoot(page, 'queues');
    await page.getByRole('link', { name: 'Cluster' }).click();
    await page.getByText('leads in term').waitFor();
    await page.getByRole('meter').waitFor();
    await accessible(page, 'cluster');
    await shoot(page, 'cluster');
    await page.getByRole('link', { name: 'Tasks' }).click();
  });

  test('pauses, resumes and purges a queue', async () => {
    const { page } = view;
    const queue = async () => (await node.api('GET', 'queues')).items.find((q) => q.name === 'mail');
    await page.getByRole('link', { name: 'Queues' }).click();
    const mail = page.getByRole('table').getByRole('row').filter({ has: page.getByRole('link', { name: 'mail', exact: true }) });
    await mail.getByRole('button', { name: 'Pause mail' }).click();
    await mail.getByText('paused', { exact: true }).waitFor();
    assert.equal((await queue()).paused, true);
    const { ids } = await node.api('POST', 'tasks/batch', [{ task: 'echo.main', queue: 'mail' }, { task: 'echo.main', queue: 'mail', countdown: '1h' }]);
    await mail.getByRole('button', { name: 'Purge mail' }).click();
    const ask = page.getByRole('dialog', { name: 'Purge mail' });
    await ask.waitFor();
    await accessible(page, 'purge');
    await shoot(page, 'purge');
    await ask.getByRole('button', { name: 'Keep them' }).click();
    assert.equal((await node.api('GET', `tasks/${ids[0]}`)).state, 'pending');
    await mail.getByRole('button', { name: 'Purge mail' }).click();
    await ask.getByRole('button', { name: 'Purge' }).click();
    await ask.waitFor({ state: 'hidden' });
    for (const id of ids) assert.equal((await node.api('GET', `tasks/${id}?wait=5s`)).state, 'revoked');
    await mail.getByRole('button', { name: 'Resume mail' }).click();
    await mail.getByRole('button', { name: 'Pause mail' }).waitFor();
    assert.equal((await queue()).paused, false);
    await page.getByRole('link', { name: 'Tasks' }).click();
  });

  test('shows runs as they go, filters them, and a run with its tasks', async () => {
    const { page } = view;
    const echo = { task: 'echo.main' };
    const sleep = (ms) => ({ task: 'sleep.main', input: ms });
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByText('There is no run yet').waitFor();
    const done = await node.api('POST', 'canvas?wait=20s', { group: [{ ...echo, input: 'first' }, { ...echo, input: 'second' }] });
    assert.equal(done.state, 'success');
    const bad = await node.api('POST', 'canvas?wait=20s', { chain: [{ task: 'fail.main', input: 3 }, echo] });
    assert.equal(bad.state, 'failed');
    const one = (id) => page.getByRole('table').getByRole('row').filter({ has: page.getByRole('link', { name: id }) });
    await one(done.id).filter({ hasText: '2/2' }).getByText('success').waitFor();
    await one(bad.id).getByText('failed').waitFor();
    await accessible(page, 'runs');
    await shoot(page, 'runs');

    await page.getByRole('combobox', { name: 'State' }).selectOption('failed');
    await one(done.id).waitFor({ state: 'detached' });
    await one(bad.id).waitFor();
    assert.match(page.url(), /run=failed/);
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('group');
    await page.getByText('No run is like this.').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();

    await page.getByRole('link', { name: bad.id }).click();
    const part = (name) => page.getByRole('table').getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
    await part('chain-0').getByText('failure').waitFor();
    await part('chain-0').getByText(bad.tasks['chain-0'].error.type).waitFor();
    await part('chain-1').getByText('upstream_failed').waitFor();
    await accessible(page, 'run');
    await shoot(page, 'run');
    await page.getByRole('link', { name: 'All runs' }).click();
    await page.getByRole('link', { name: done.id }).click();
    await part('group-1').getByText('second').waitFor();

    // From a task to its run, and from the run to the task.
    await part('group-0').getByRole('link').click();
    const detail = page.getByRole('complementary', { name: 'Task' });
    await detail.getByText(done.tasks['group-0'].task_id).waitFor();
    await detail.getByRole('link', { name: done.id }).click();
    await part('group-0').waitFor();

    // It moves without being asked for.
    const slow = await node.api('POST', 'canvas', { chain: [sleep(700), sleep(60_000)] });
    await page.goto(`${node.origin}/#/runs/${slow.id}`);
    await until('the first has ended', async () => /success/.test(await part('chain-0').textContent()));
    await page.getByText('1 of 2 tasks').waitFor();
    await node.api('POST', `runs/${slow.id}/cancel`);
    await part('chain-1').getByText('revoked').first().waitFor();
    await page.getByText('cancelled', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'All runs' }).click();
  });

  test('pauses, resumes and, once asked, cancels a run', async () => {
    const { page } = view;
    const { id } = await node.api('POST', 'canvas', { chain: [{ task: 'sleep.main', input: 60_000 }, { task: 'echo.main' }] });
    const run = () => node.api('GET', `runs/${id}`);
    await page.getByRole('button', { name: `Pause run ${id}` }).click();
    await page.getByRole('button', { name: `Resume run ${id}` }).waitFor();
    assert.equal((await run()).paused, true);
    await page.getByRole('button', { name: `Resume run ${id}` }).click();
    await page.getByRole('button', { name: `Pause run ${id}` }).waitFor();
    assert.ok(!(await run()).paused);
    await page.getByRole('button', { name: `Cancel run ${id}` }).click();
    const ask = page.getByRole('dialog', { name: `Cancel run ${id}` });
    await ask.waitFor();
    await accessible(page, 'cancel');
    await shoot(page, 'cancel');
    await ask.getByRole('button', { name: 'Keep it' }).click();
    assert.equal((await run()).state, 'running');
    await page.getByRole('button', { name: `Cancel run ${id}` }).click();
    await ask.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByRole('button', { name: `Cancel run ${id}` }).waitFor({ state: 'detached' });
    assert.equal((await node.api('GET', `runs/${id}?wait=10s`)).state, 'cancelled');
  });

  test('shows schedules, and pauses, resumes and triggers one', async () => {
    const { page } = view;
    await page.getByRole('link', { name: 'Schedules', exact: true }).click();
    await page.getByText('There is no schedule yet').waitFor();
    await node.api('PUT', 'schedules/nightly', { cron: '0 2 * * *', timezone: 'Europe/Berlin', task: 'echo.main', input: 1 });
    await node.api('PUT', 'schedules/hourly', { every: '1h', canvas: { chain: [{ task: 'echo.main', input: 2 }, { task: 'echo.main' }] } });
    await page.reload();
    const nightly = page.getByRole('table').getByRole('row').filter({ has: page.getByRole('button', { name: 'Trigger nightly' }) });
    await nightly.getByText('0 2 * * *, Europe/Berlin').waitFor();
    const shown = await nightly.getByRole('cell').nth(3).textContent();
    assert.match(shown, /\d\d:00:00 · .*\d\d:00:00 · /);
    await page.getByRole('table').getByRole('row').filter({ hasText: 'every 1h' }).getByText('a chain').waitFor();
    await nightly.getByRole('button', { name: 'Pause nightly' }).click();
    await nightly.getByText('paused', { exact: true }).waitFor();
    assert.equal((await node.api('GET', 'schedules/nightly')).paused, true);
    await nightly.getByRole('button', { name: 'Trigger nightly' }).click();
    await nightly.getByRole('link', { name: 'last run of nightly' }).waitFor();
    await nightly.getByRole('button', { name: 'Resume nightly' }).click();
    await nightly.getByRole('button', { name: 'Pause nightly' }).waitFor();
    const { paused, fired, last_run } = await node.api('GET', 'schedules/nightly');
    assert.deepEqual([paused, fired], [false, 1]);
    await accessible(page, 'schedules');
    await shoot(page, 'schedules');
    await nightly.getByRole('link', { name: 'last run of nightly' }).click();
    await page.getByText(last_run).waitFor();
    await page.getByText('nightly', { exact: true }).waitFor();
  });

  test('shows webhooks and what became of the last delivery', async () => {
    const { page } = view;
    await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
    await page.getByText('There is no webhook here').waitFor();
    const answers = [204, 503];
    const receiver = createServer((_, to) => to.writeHead(answers.shift() ?? 503).end());
    await new Promise((done) => receiver.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${receiver.address().port}/hook`;
    await node.api('PUT', 'webhooks/alerts', { url, events: ['run.', 'task.failure'] });
    await node.api('POST', 'webhooks/alerts/test');
    const alerts = page.getByRole('table').getByRole('row').filter({ hasText: url });
    await alerts.getByText('delivered, 204, webhook.test').waitFor();
    await alerts.getByText('run., task.failure').waitFor();
    await node.api('POST', 'webhooks/alerts/test');
    await alerts.getByText('failed, 503, webhook.test').waitFor();
    await accessible(page, 'webhooks');
    await shoot(page, 'webhooks');
    receiver.close();
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
  });

  test('keeps namespaces apart', async () => {
    const { page } = view;
    await page.getByRole('textbox', { name: 'Namespace' }).fill('elsewhere');
    await page.keyboard.press('Enter');
    await page.getByText('No task yet').waitFor();
    await live(page);
    await node.push('echo', { 'X-Windrow-Namespace': 'elsewhere' });
    await node.api('POST', 'tasks?wait=20s', { task: 'echo.main' }, { 'X-Windrow-Namespace': 'elsewhere' });
    await until('its task alone', async () => (await page.getByRole('grid').getByRole('row').count()) === 1);
    await page.goBack();
    await row(page, 'sleep.main').first().waitFor();
  });

  test('did nothing that it must not', async () => {
    // While the node was down the browser itself said so.
    const faults = view.faults.filter((f) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|503/.test(f));
    assert.deepEqual(faults, []);
    await view.close();
  });

  for (const dark of [false, true]) {
    for (const width of [400, 1280]) {
      test(`fits ${width} px in the ${dark ? 'dark' : 'light'}`, async () => {
        const { page, faults, close } = await open(node.origin, { width, dark });
        await row(page, 'echo.main').first().waitFor();
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(Number(/\d+/.exec(ground)[0]) < 100, dark, ground);
        assert.equal(await overflows(page), false, 'tasks');
        await accessible(page, 'tasks');
        await shoot(page, `tasks-${width}-${dark ? 'dark' : 'light'}`);
        await row(page, 'fail.main').first().click();
        await page.getByRole('group', { name: 'Error' }).waitFor();
        assert.equal(await overflows(page), false, 'detail');
        await accessible(page, 'detail');
        await shoot(page, `detail-${width}-${dark ? 'dark' : 'light'}`);
        await page.getByRole('button', { name: 'Close' }).click();
        for (const section of ['Runs', 'Schedules', 'Webhooks', 'Queues', 'Cluster']) {
          await page.getByRole('link', { name: section, exact: true }).click();
          await page.getByRole('heading', { name: section === 'Cluster' ? 'Nodes' : section }).waitFor();
          await page.getByRole('table').first().waitFor();
          assert.equal(await overflows(page), false, section);
          await accessible(page, section);
          await shoot(page, `${section.toLowerCase()}-${width}-${dark ? 'dark' : 'light'}`);
        }
        assert.deepEqual(faults, []);
        await close();
      });
    }
  }

  test('shows a large run page by page, and of many runs a page', async () => {
    const { page, faults, close } = await open(node.origin);
    const items = Array.from({ length: 1100 }, (_, i) => i);
    const { id } = await node.api('POST', 'canvas?wait=60s', { map: { task: { task: 'echo.main' }, items } });
    await page.goto(`${node.origin}/#/runs/${id}`);
    const rows = page.getByRole('region', { name: 'Tasks of the run' }).locator('tbody tr');
    await page.getByText('1\u202f100 of 1\u202f100 tasks').waitFor();
    assert.equal(await rows.count(), 100);
    for (let n = 200; n <= 1000; n += 100) {
      await page.getByRole('button', { name: 'Show more' }).click();
      await until(`${n} rows`, async () => (await rows.count()) === n);
    }
    await page.getByText('The first 1\u202f000 are shown.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Show more' }).count(), 0);
    for (let i = 0; i < 110; i++) await node.api('POST', 'canvas', { task: 'echo.main', input: i });
    await page.getByRole('link', { name: 'All runs' }).click();
    const runs = page.getByRole('region', { name: 'Runs' }).locator('tbody tr');
    await until('a page', async () => (await runs.count()) === 100);
    await page.getByRole('button', { name: 'Show more' }).click();
    await until('all', async () => (await runs.count()) > 110);
    assert.deepEqual(faults, []);
    await close();
  });
});

test('asks for a token and keeps it until the tab is closed', async () => {
  const node = await startNode('--auth', 'token');
  try {
    const { page, close } = await open(node.origin);
    const field = page.getByLabel('Token', { exact: true });
    await field.waitFor();
    await accessible(page, 'token');
    await shoot(page, 'token');
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('That token is not right').waitFor();
    const token = (await readFile(join(node.dir, 'admin.token'), 'utf8')).trim();
    await field.fill(token);
    await page.keyboard.press('Enter');
    await live(page);
    await page.getByText('No task yet').waitFor();
    await page.reload();
    await live(page);
    await close();
  } finally {
    await node.stop();
  }
});

// Prints what the page weighs and, with WINDROW_LONG=1, how quick it is with
// 100,000 tasks.
test('is light, and quick with many tasks', async (t) => {
  const node = await startNode();
  try {
    const weight = await weigh(node.origin);
    t.diagnostic(`page weight: ${weight} bytes over the wire, compressed, in all`);
    assert.ok(weight < 60 << 10);
    if (!process.env.WINDROW_LONG) return;
    await fill(node, 100_000);
    const views = [];
    const filters = [];
    for (let i = 0; i < 7; i++) {
      const { first, filtered } = await measure(node.origin);
      views.push(first);
      filters.push(filtered);
    }
    t.diagnostic(`100,000 tasks: first view ${spread(views)}, filtered list ${spread(filters)}`);
  } finally {
    await node.stop();
  }
});

async function weigh(origin) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  const files = new Set();
  let total = 0;
  devtools.on('Network.responseReceived', ({ requestId, response }) => {
    if (!response.url.includes('/v1/')) files.add(requestId);
  });
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (files.has(requestId)) total += encodedDataLength;
  });
  await page.goto(origin);
  await page.getByText('No task yet').waitFor();
  await context.close();
  return total;
}

// One in 50 goes to a queue of its own, so that a filter has something to find.
async function fill(node, n) {
  await node.push('noop');
  for (let done = 0; done < n; done += 10_000) {
    const calls = Array.from({ length: 10_000 }, (_, i) => ({ task: 'noop.main', queue: i % 50 ? 'default' : 'rare' }));
    await node.api('POST', 'tasks/batch', calls);
  }
  await until('all have ended', async () => (await node.api('GET', 'queues')).items.every((q) => q.pending + q.running === 0), 120_000);
}

async function measure(origin) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  // What the page itself sees: from the navigation's start to the frame that
  // shows rows, and from a choice to the frame that shows only what fits.
  await page.addInitScript(() => {
    const fits = { rare: (r) => r.textContent.includes('rare') };
    globalThis.shown = (only) =>
      new Promise((done) => {
        const look = () => {
          const rows = [...document.querySelectorAll('[role=row]')];
          if (rows.length > 10 && (!only || rows.every(fits[only]))) done(performance.now());
          else requestAnimationFrame(look);
        };
        look();
      });
    globalThis.first = globalThis.shown();
  });
  await page.goto(origin);
  const first = await page.evaluate(() => globalThis.first);
  await until('the queue can be chosen', () => page.locator('option[value=rare]').count());
  const filtered = await page.evaluate(async () => {
    const pick = document.querySelector('select[aria-label=Queue]');
    const from = performance.now();
    pick.value = 'rare';
    pick.dispatchEvent(new Event('change', { bubbles: true }));
    return (await globalThis.shown('rare')) - from;
  });
  await context.close();
  return { first, filtered };
}

function spread(values) {
  const s = [...values].sort((a, b) => a - b);
  return `${s[s.length >> 1].toFixed(0)} ms (${s[0].toFixed(0)} to ${s.at(-1).toFixed(0)} over ${s.length})`;
}
