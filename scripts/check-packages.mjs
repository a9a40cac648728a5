// Packs every published package and checks what its users would get: that the tarball holds only what it should, that
// its entry points resolve with types for `import` and for `require` (publint, @arethetypeswrong/cli), and that both
// really load.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (command, args, options = {}) =>
  execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });

const packages = readdirSync(join(root, 'packages'))
  .map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')),
  }))
  .filter(({ manifest }) => manifest.private !== true);

// Inside node_modules, so that what the packages depend on is found above them.
const workspace = mkdtempSync(join(root, 'node_modules', '.check-packages-'));
const problems = [];
try {
  for (const { folder, manifest } of packages) {
    const [{ filename, files }] = JSON.parse(
      run('npm', ['pack', '--json', '--pack-destination', workspace, '--workspace', manifest.name]),
    );
    const tarball = join(workspace, filename);
    for (const { path } of files) {
      if (/(^|\/)test\/|\.test\.|tsbuildinfo|\.env/.test(path)) problems.push(`${manifest.name} packs ${path}`);
    }
    for (const script of ['preinstall', 'install', 'postinstall']) {
      if (manifest.scripts?.[script] !== undefined) problems.push(`${manifest.name} has an ${script} script`);
    }
    check(`${manifest.name}: publint`, bin('publint'), [tarball, '--strict']);
    check(`${manifest.name}: attw`, bin('attw'), [tarball, '--profile', 'node16', '--no-color']);
    unpack(manifest.name, folder, files);
    console.log(`${manifest.name.padEnd(32)} ${String(files.length).padStart(4)} files   (packages/${folder})`);
  }
  for (const { manifest } of packages) loads(manifest);
} finally {
  rmSync(workspace, { recursive: true, force: true });
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`${packages.length} packages: packed, linted, typed, and loaded by import and by require`);

function check(what, command, args) {
  try {
    run(command, args);
  } catch (error) {
    problems.push(`${what}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  }
}

/** Lays the packed files, and no others, where a user's project would have them. */
function unpack(name, folder, files) {
  for (const { path } of files) {
    cpSync(join(root, 'packages', folder, path), join(workspace, 'node_modules', name, path));
  }
}

/** Loads every entry point from the tarballs, in both ways, and compares what they export. */
function loads({ name, exports }) {
  for (const entry of Object.keys(exports).filter((key) => !key.endsWith('.json'))) {
    const specifier = name + entry.slice(1);
    const program = join(workspace, 'load.mjs');
    writeFileSync(
      program,
      `import { createRequire } from 'node:module';
       const required = createRequire(import.meta.url)(${JSON.stringify(specifier)});
       const imported = await import(${JSON.stringify(specifier)});
       const missing = Object.keys(required).filter((key) => !(key in imported));
       if (missing.length > 0) throw new Error('import does not see ' + missing.join(', '));`,
    );
    check(`${specifier}: load`, process.execPath, ['--no-warnings', program]);
  }
}
