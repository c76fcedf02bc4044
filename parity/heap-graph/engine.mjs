// Chrome DevTools' heap snapshot engine out of its npm package, made to run in Node.js.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, '..', 'node_modules');
const require = createRequire(import.meta.url);

/** The page's translations are made when Chromium is built: not in the package, and nothing but text. */
const STUBS = {
  locales: ['LOCALES', 'BUNDLED_LOCALES'].map((name) => `export const ${name} = [];`)
    .concat(['DEFAULT_LOCALE', 'REMOTE_FETCH_PATTERN', 'LOCAL_FETCH_PATTERN'].map((name) => `export const ${name} = '';`))
    .join('\n'),
  i18n: `const same = (text) => text;
    export const i18n = { registerUIStrings: () => ({}), getLocalizedString: () => '', serializeUIString: same,
      getLazilyComputedLocalizedString: () => () => '', lockedString: same, lockedLazyString: (text) => () => text };`,
};

function stubs(build) {
  build.onResolve({ filter: /\/locales\.js$/ }, () => ({ path: 'locales', namespace: 'stub' }));
  build.onResolve({ filter: /core\/i18n\/i18n\.js$/ }, () => ({ path: 'i18n', namespace: 'stub' }));
  build.onLoad({ filter: /./, namespace: 'stub' }, ({ path: name }) => ({ contents: STUBS[name] }));
  // Sources import './x.js' where the package has './x.ts'.
  build.onResolve({ filter: /^\..*\.js$/ }, ({ resolveDir, path: name }) => {
    const source = path.resolve(resolveDir, name).replace(/\.js$/, '.ts');
    return fs.existsSync(source) ? { path: source } : undefined;
  });
}

/** Bundles the engine once; returns the module's path. */
export async function bundle() {
  const { version } = JSON.parse(fs.readFileSync(path.join(modules, 'chrome-devtools-frontend', 'package.json'), 'utf8'));
  const outfile = path.join(modules, '.cache', `devtools-heap-${version}.mjs`);
  if (fs.existsSync(outfile)) return outfile;
  const worker = path.join(modules, 'chrome-devtools-frontend', 'front_end', 'entrypoints', 'heap_snapshot_worker');
  const exported = ['HeapSnapshot', 'HeapSnapshotLoader'].map((name) => `export * from ${JSON.stringify(`${worker}/${name}.ts`)};`);
  const partial = `${outfile}.${process.pid}`;
  await require('esbuild').build({
    stdin: { contents: exported.join('\n'), resolveDir: here, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: partial,
    logLevel: 'warning',
    plugins: [{ name: 'devtools', setup: stubs }],
  });
  fs.renameSync(partial, outfile);
  return outfile;
}
