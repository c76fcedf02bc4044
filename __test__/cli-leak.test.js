'use strict';

// The demo's leaking server, and what the command says of its snapshots.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { after, before, describe, it } = require('node:test');
const zlib = require('node:zlib');
const { findChromium, withPage } = require('./support/chromium');
const { memguard } = require('./support/cli');
const { temporaryFolder } = require('./support/tarballs');

const ESCAPE = '\u001b';
const REQUESTS = 150;
const folder = temporaryFolder('memguard-cli-');
const file = (name) => path.join(folder, name);
const [FIRST, SECOND, THIRD] = ['1', '2', '3'].map((name) => `${name}.heapsnapshot`);

before(() => {
  const support = (name) => path.join(__dirname, 'support', name);
  execFileSync(process.execPath, [support('leak-snapshots.js'), folder], { stdio: 'ignore' });
  execFileSync(process.execPath, [support('hostile-app.js'), file('hostile.heapsnapshot')]);
});

after(() => fs.rmSync(folder, { recursive: true, force: true }));

async function run(...args) {
  const result = await memguard(args, { cwd: folder });
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.stderr, '');
  return result.stdout;
}

describe('memguard on a leaking server', () => {
  it('analyze: what holds the memory', async () => {
    const text = await run('analyze', THIRD);
    assert.match(text, /^Heap of 3\.heapsnapshot\n/);
    assert.match(text, /^LogEntry .* +450 /m);
    assert.match(text, /└ Object +context \.requestLog/);
    for (const title of ['Classes', 'What holds the memory', 'Kinds', 'Suspicious collections', 'Duplicate strings', 'External memory', 'Packages', 'Modules']) {
      assert.match(text, new RegExp(`^${title} {2}`, 'm'));
    }
    assert.match(text, /^express /m);
  });

  it('diff: what grew, who holds it, in which file', async () => {
    const text = await run('diff', FIRST, SECOND, THIRD);
    assert.match(text, /Compared by object ids: /);
    assert.match(text, /held by context \.requestLog → Object/);
    assert.match(text, /Objects +150 → 300 → 450/);
    assert.match(text, /Kept at +server\.js:\d+:\d+ .*examples.demo.server\.js/);
    assert.match(text, /It grew from each snapshot to the next\./);
    assert.match(text, /^Survivors /m);
    const [leak, next] = JSON.parse(await run('diff', FIRST, THIRD, '--by', 'signature', '--json')).growth.clusters.rows;
    assert.deepEqual([leak.countDelta, leak.kind], [2 * REQUESTS, 'moreObjects']);
    assert.match(leak.example.text, /requestLog/);
    // What came retains as much, one by one, as what was there; V8's own growth, spread over all functions, is another in each line of Node.
    const each = leak.sizeDelta / leak.countDelta / (leak.sizes[0] / leak.counts[0]);
    assert.ok(each > 0.95 && each < 1.05, `${leak.sizes} of ${leak.counts}`);
    assert.ok(leak.sizeDelta > 20 * next.sizeDelta, `${leak.sizeDelta} and ${next.sizeDelta}`);
  });

  it('retainers: the way to the root, by class, id, name and filter', async () => {
    const byName = await run('retainers', THIRD, '--name', 'requestLog');
    assert.match(byName, /context \.requestLog → Object +@\d+, retains [\d.]+ MB/);
    assert.match(byName, /function \(anonymous\) \[server\.js:\d+:\d+\]/);
    const json = JSON.parse(await run('retainers', THIRD, '--class', 'LogEntry', '--json'));
    assert.deepEqual([json.schema, json.count, json.clusters.rows[0].count], ['memguard.retainers/1', 450, 450]);
    assert.match(json.clusters.rows[0].words, /\.requestLog → Object → \[key\] → LogEntry$/);
    const { id } = json.clusters.rows[0].largest;
    const byId = JSON.parse(await run('retainers', THIRD, '--id', `@${id}`, '--json'));
    assert.deepEqual([byId.count, byId.holders.total >= 1], [1, true]);
    const byFilter = JSON.parse(await run('retainers', THIRD, '--filter', `id = ${id}`, '--json'));
    assert.deepEqual(byFilter.shortest, byId.shortest);
  });

  it('query: objects by class, size, path and content', async () => {
    const entries = JSON.parse(await run('query', THIRD, 'path ~ requestLog and kind = string and string ~ "<title>Product" and shallow > 1kb', '--json'));
    assert.ok(entries.count >= 450, String(entries.count));
    assert.match(await run('query', THIRD, 'class = Server'), /Server +Server +node:_http_server:\d+:\d+/);
  });

  it('finds the same leak in redacted, compressed and piped snapshots', async () => {
    for (const name of [FIRST, THIRD]) await run('redact', name, '--output', `redacted-${name}.zst`);
    const [leak] = JSON.parse(await run('diff', `redacted-${FIRST}.zst`, `redacted-${THIRD}.zst`, '--json')).growth.clusters.rows;
    const [open] = JSON.parse(await run('diff', FIRST, THIRD, '--json')).growth.clusters.rows;
    assert.deepEqual([leak.words, leak.counts, leak.sizes], [open.words, open.counts, open.sizes]);
    const piped = await memguard(['analyze', '-', '--json'], { cwd: folder, input: zlib.gzipSync(fs.readFileSync(file(THIRD))) });
    const plain = JSON.parse(await run('analyze', THIRD, '--json'));
    assert.deepEqual({ ...JSON.parse(piped.stdout), source: null }, { ...plain, source: null });
  });

  it('prints Markdown that a chat or an issue shows', async () => {
    const text = await run('diff', FIRST, THIRD, '--markdown');
    assert.match(text, /^# Growth over 2 snapshots\n/);
    assert.match(text, /^\| Size \| Share \| Objects \| Class \| Held by \| Place \|\n\| ---: \| ---: \| ---: \| --- \| --- \| --- \|$/m);
    assert.match(text, /\*\*\\\["[0-9a-f-]{36}"\\\] → LogEntry .*\*\* ← grows here/);
  });

  it('has colours only where they are wanted', async () => {
    assert.ok(!(await run('analyze', THIRD)).includes(ESCAPE));
    assert.ok((await run('analyze', THIRD, '--color', 'always')).includes(`${ESCAPE}[`));
  });

  it('says what is wrong, with a code, a place and an exit code', async () => {
    fs.writeFileSync(file('cut.heapsnapshot'), fs.readFileSync(file(FIRST)).subarray(0, -1000));
    const length = fs.statSync(file('cut.heapsnapshot')).size;
    fs.writeFileSync(file('text.heapsnapshot'), 'hello');
    const cases = [
      [['analyze', 'cut.heapsnapshot'], 1, new RegExp(`cut\\.heapsnapshot: The heap snapshot is cut off: it ends at byte ${length}.* \\[ERR_MEMGUARD_SNAPSHOT_TRUNCATED\\]\n$`)],
      [['analyze', 'text.heapsnapshot'], 1, /\[ERR_MEMGUARD_NOT_A_SNAPSHOT\]\n$/],
      [['analyze', 'nowhere.heapsnapshot'], 1, /nowhere\.heapsnapshot: .*\[ERR_MEMGUARD_SNAPSHOT_IO\]\n$/],
      [['query', FIRST, 'klass = Foo'], 2, /Did you mean `class`\?.*\[ERR_MEMGUARD_INVALID_FILTER\]\n$/],
      [['diff', '-', '-'], 2, /only one snapshot can come from standard input \[ERR_MEMGUARD_INVALID_ARG\]\n$/],
      [['retainers', FIRST], 2, /--class <NAME>/],
      [['retainers', FIRST, '--id', 'x'], 2, /expected a number such as 1234 or @1234/],
      [['analyse', FIRST], 2, /unrecognized subcommand 'analyse'[^]*'analyze'/],
    ];
    for (const [args, status, pattern] of cases) {
      const result = await memguard(args, { cwd: folder });
      assert.deepEqual([result.status, result.stdout], [status, ''], args.join(' '));
      assert.match(result.stderr, pattern);
    }
    const json = await memguard(['analyze', 'cut.heapsnapshot', '--json'], { cwd: folder });
    const { error } = JSON.parse(json.stderr);
    assert.deepEqual([error.code, error.offset], ['ERR_MEMGUARD_SNAPSHOT_TRUNCATED', length]);
  });

  it('lets no name of a heap move the cursor, end a table or begin markup', async () => {
    for (const args of [['analyze', 'hostile.heapsnapshot'], ['query', 'hostile.heapsnapshot', 'string ~ harmed', '--top', '500']]) {
      const text = await run(...args);
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      // Seen, but as signs.
      assert.match(text, /\[2J/);
      const markdown = await run(...args, '--markdown');
      assert.doesNotMatch(markdown, /<(script|img|svg)/);
      assert.doesNotMatch(markdown, /^\| a \|/m);
    }
  });
});

/** A browser is part of the machine that runs CI; elsewhere people may have none. */
const WITHOUT_BROWSER = findChromium() === undefined && !process.env.CI ? 'no Chromium on this machine' : false;

describe('the page that memguard analyze --html writes', { skip: WITHOUT_BROWSER }, () => {
  const tiles = `[...document.querySelectorAll('#chart g')].map((g) => {
    const { x, y, width, height } = g.querySelector('rect').getBoundingClientRect();
    const fill = getComputedStyle(g.querySelector('rect')).fill.match(/[\\d.]+/g).map(Number);
    return { index: Number(g.dataset.index), label: g.getAttribute('aria-label'), x, y, width, height, fill };
  })`;
  const crumbs = `[...document.querySelectorAll('#chart .crumbs button')].map((one) => one.textContent)`;
  const middle = ({ x, y, width, height }) => [Math.round(x + width - Math.min(width / 2, 6)), Math.round(y + height - 4)];

  before(async () => {
    assert.match(await run('analyze', THIRD, '--html', 'leak.html'), /^leak\.html\n$/);
    await run('analyze', 'hostile.heapsnapshot', '--html', 'hostile.html');
  });

  it('draws the dominator tree, and a click zooms', async () => {
    await withPage(pathToFileURL(file('leak.html')).href, async (page) => {
      const drawn = await page.evaluate(tiles);
      assert.ok(drawn.length >= 30, `${drawn.length} rectangles`);
      const [whole] = drawn;
      const leak = drawn.find(({ label }) => label.startsWith('context .requestLog: Object'));
      assert.ok(leak.width > whole.width / 5 && leak.y > whole.y && leak.height >= 20, JSON.stringify(leak));
      // What the page says is what is on the screen.
      const screen = await page.screenshot();
      for (const tile of drawn.filter(({ width }) => width > 20)) assert.deepEqual(screen.at(...middle(tile)), tile.fill, tile.label);

      await page.click(...middle(leak));
      const zoomed = await page.evaluate(tiles);
      assert.deepEqual([zoomed[0].index, zoomed[0].width], [leak.index, whole.width]);
      assert.ok(zoomed.some(({ label }) => /^450 × LogEntry, [\d.]+ MB$/.test(label)), JSON.stringify(zoomed));
      assert.match((await page.evaluate(crumbs)).join(' '), /^whole heap › .*Server.* › context \.requestLog: Object$/);
      await page.press('Escape');
      assert.ok((await page.evaluate(tiles)).length > zoomed.length);
      assert.deepEqual([page.complaints, page.requests], [[], [pathToFileURL(file('leak.html')).href]]);
    });
  });

  it('draws a treemap in which everything lies within its holder', async () => {
    await withPage(pathToFileURL(file('leak.html')).href, async (page) => {
      await page.evaluate(`document.querySelectorAll('#chart nav > button')[1].click()`);
      const drawn = await page.evaluate(tiles);
      const parents = await page.evaluate(`JSON.parse(document.getElementById('tiles').textContent).map(({ p }) => p)`);
      const places = new Map(drawn.map((tile) => [tile.index, tile]));
      assert.ok(drawn.length >= 30, `${drawn.length} rectangles`);
      for (const tile of drawn.slice(1)) {
        const holder = places.get(parents[tile.index]);
        const within = tile.x >= holder.x - 0.2 && tile.y >= holder.y - 0.2 && tile.x + tile.width <= holder.x + holder.width + 0.2 && tile.y + tile.height <= holder.y + holder.height + 0.2;
        assert.ok(within, `${tile.label} in ${holder.label}`);
      }
      const screen = await page.screenshot();
      const colors = new Set(drawn.map((tile) => screen.at(...middle(tile)).join()));
      assert.ok(colors.size >= 8, `${colors.size} colours`);
      assert.deepEqual(page.complaints, []);
    });
  });

  it('sorts its tables by a click', async () => {
    await withPage(pathToFileURL(file('leak.html')).href, async (page) => {
      const column = (at) => page.evaluate(`[...document.querySelector('table').tBodies[0].rows].map((row) => Number(row.cells[${at}].dataset.value))`);
      await page.evaluate(`document.querySelectorAll('th')[2].click()`);
      const counts = await column(2);
      assert.deepEqual(counts, [...counts].sort((a, b) => b - a));
      await page.evaluate(`document.querySelectorAll('th')[2].click()`);
      assert.deepEqual(await column(2), [...counts].reverse());
    });
  });

  it('shows hostile names as text', async () => {
    await withPage(pathToFileURL(file('hostile.html')).href, async (page) => {
      assert.equal(await page.evaluate('window.harmed'), undefined);
      assert.match(await page.evaluate('document.body.innerText'), /<\/script><script>window\.harmed = 1/);
      assert.equal(await page.evaluate(`document.querySelectorAll('main img, main svg svg, main script:not(#tiles)').length`), 0);
      const labels = (await page.evaluate(tiles)).map(({ label }) => label);
      assert.ok(labels.some((label) => label.includes('<script>')), labels.slice(0, 9).join('\n'));
      assert.deepEqual(page.complaints, []);
    });
  });
});
