'use strict';

// The types of the packed package, seen by TypeScript projects as people have them.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { execute, packBoth, projectWith, root, temporaryFolder } = require('./support/tarballs');

const SOURCES = path.join(__dirname, 'types');
const COMPILERS = ['typescript', 'typescript-5'];

/** Fails to compile when a name exists at run time but not in the types, or the other way round. */
function everyName() {
  const names = Object.keys(require('..')).map((name) => `  ${name}: true,`);
  return `export const names: Record<keyof typeof import('memguard'), true> = {\n${names.join('\n')}\n};\n`;
}

/** The sources of __test__/types: `*.ts` are good for every kind of module, `*.cts` for CommonJS only. */
function sources(extension) {
  const files = { [`names.${extension}`]: everyName() };
  for (const name of fs.readdirSync(SOURCES)) {
    const kind = path.extname(name).slice(1);
    if (kind !== 'ts' && kind !== extension) continue;
    files[`${path.parse(name).name}.${extension}`] = fs.readFileSync(path.join(SOURCES, name), 'utf8');
  }
  return files;
}

const PROJECTS = [
  { title: 'node16, ES modules', files: sources('mts'), options: { module: 'node16', moduleResolution: 'node16' } },
  { title: 'node16, CommonJS', files: sources('cts'), options: { module: 'node16', moduleResolution: 'node16' } },
  { title: 'a bundler', files: sources('ts'), options: { module: 'esnext', moduleResolution: 'bundler' } },
];

describe('the types of the packed package', () => {
  let temporary;
  let app;

  before(() => {
    temporary = temporaryFolder('memguard-types-');
    app = projectWith(path.join(temporary, 'app'), [packBoth(temporary).root]);
  });

  after(() => fs.rmSync(temporary, { recursive: true, force: true }));

  function compile(compiler, { files, options }, folder) {
    fs.mkdirSync(folder, { recursive: true });
    for (const [name, source] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), source);
    const compilerOptions = {
      ...options,
      target: 'es2022',
      lib: ['es2022'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedSideEffectImports: true,
      // The package's own declarations are checked too.
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
      typeRoots: [path.join(root, 'node_modules', '@types')],
    };
    fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*'] }));
    execute(process.execPath, [path.join(root, 'node_modules', compiler, 'bin', 'tsc'), '--project', folder], { cwd: folder });
  }

  for (const compiler of COMPILERS) {
    const { version } = require(`${compiler}/package.json`);
    for (const [index, project] of PROJECTS.entries()) {
      it(`compile under TypeScript ${version}: ${project.title}`, () => {
        compile(compiler, project, path.join(app, `${compiler}-${index}`));
      });
    }
  }

  it('refuse what the API refuses', () => {
    const wrong = { ...PROJECTS[0], files: { 'wrong.mts': "import { guard } from 'memguard';\nguard.start({ checkInterval: {} });\n" } };
    assert.throws(() => compile(COMPILERS[0], wrong, path.join(app, 'wrong')), /wrong\.mts\(2,\d+\): error TS2322/);
  });
});
