'use strict';

// Every example of the README and of docs/ is run as a user would paste it.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { promisify } = require('node:util');
const { root, temporaryFolder } = require('./support/tarballs');

const run = promisify(execFile);

/** Pages whose examples are for people who use the package. */
const PAGES = ['README.md', ...fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
const EXTENSIONS = { js: 'cjs', mjs: 'mjs' };

/** Fenced blocks with the line on which they begin. */
function blocks(page) {
  const text = fs.readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map((match) => ({
    language: match[1],
    code: match[2],
    line: text.slice(0, match.index).split('\n').length,
  }));
}

describe('the documentation', () => {
  let folder;

  before(() => {
    folder = temporaryFolder('memguard-readme-');
    fs.mkdirSync(path.join(folder, 'node_modules'));
    fs.symlinkSync(root, path.join(folder, 'node_modules', 'memguard'), 'junction');
    fs.writeFileSync(path.join(folder, 'app.js'), 'setTimeout(() => {}, 100);\n');
    fs.writeFileSync(path.join(folder, 'app.mjs'), 'setTimeout(() => {}, 100);\n');
  });

  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  for (const page of PAGES) {
    for (const { language, code, line } of blocks(page)) {
      const extension = EXTENSIONS[language];
      if (extension === undefined) continue;
      it(`${page}:${line} runs`, async () => {
        const file = path.join(folder, `${path.basename(page, '.md')}-${line}.${extension}`);
        fs.writeFileSync(file, code);
        const { stderr } = await run(process.execPath, [file], { cwd: folder, timeout: 60_000 });
        assert.doesNotMatch(stderr, /MEMGUARD_(FALLBACK|LISTENER)|not started/);
      });
    }
  }

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    for (const page of PAGES) {
      for (const { language, code } of blocks(page)) {
        if (language !== 'sh') continue;
        for (const [, script] of code.matchAll(/\bnpm (?:run )?((?!install|ci|run)[\w:]+)/g)) {
          assert.ok(script in scripts, `${page} names npm run ${script}`);
        }
      }
    }
  });

  it('names only files that exist', () => {
    for (const page of PAGES) {
      const text = fs.readFileSync(path.join(root, page), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
        assert.ok(fs.existsSync(path.join(root, path.dirname(page), target)), `${page} links to ${target}`);
      }
    }
  });

  it('shows ways to preload the guard that work', async () => {
    const readme = blocks('README.md').filter(({ language }) => language === 'sh');
    const lines = readme.flatMap(({ code }) => code.split('\n')).filter((line) => line.includes('memguard/register'));
    assert.ok(lines.length >= 3);
    for (const line of lines) {
      const words = line.split(' ');
      const start = words.indexOf('node');
      const env = { ...process.env, ...Object.fromEntries(words.slice(0, start).map((word) => word.split('='))) };
      const { stderr } = await run(process.execPath, words.slice(start + 1), { cwd: folder, env, timeout: 60_000 });
      assert.doesNotMatch(stderr, /MemguardWarning: not started|MEMGUARD_FALLBACK/, line);
    }
  });
});
