import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { withEmulator } from '../support/emulator.mjs';
import { lastWords, runCheckProgram, runTool } from '../support/tool.mjs';

const project = join(import.meta.dirname, '..', 'java');

/** Both generations of the Java SDK, each with CBOR, which they speak unless told otherwise, and with JSON. */
const runs = [
  { label: 'SDK 2, CBOR', sdk: 'v2', options: [] },
  { label: 'SDK 2, JSON', sdk: 'v2', options: ['-Daws.cborEnabled=false'] },
  { label: 'SDK 1, CBOR', sdk: 'v1', options: [] },
  { label: 'SDK 1, JSON', sdk: 'v1', options: ['-Dcom.amazonaws.sdk.disableCbor=true'] },
];

/** Maven fetches the libraries; what is compiled goes to a temporary folder. */
export async function javaChecks(section) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-java-'));
  try {
    const classPath = await compile(section, folder);
    if (classPath === undefined) return;
    for (const { label, sdk, options } of runs) {
      const log = process.env.INTEROP_JAVA_LOG;
      const logging = log === undefined ? [] : [`-Dinterop.log=${log}`];
      const args = ['-Xmx512m', ...logging, ...options, '-cp', classPath, 'Main', sdk];
      await withEmulator(({ env }) => runCheckProgram(section, label, 'java', args, { timeoutMs: 180_000, env }));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the class path; nothing if it was said already why there is none */
async function compile(section, folder) {
  for (const tool of ['javac', 'java', 'mvn']) {
    const probe = await runTool(tool, ['-version'], { timeoutMs: 60_000 });
    if (probe.code !== 0) return void section.skipped('everything', `${tool} ${lastWords(probe)}`);
  }
  const classPathFile = join(folder, 'class-path');
  const resolve = (...more) =>
    runTool(
      'mvn',
      [
        ...['--batch-mode', '--quiet', '--file', join(project, 'pom.xml'), ...more],
        ...['dependency:build-classpath', `-Dmdep.outputFile=${classPathFile}`],
      ],
      { timeoutMs: 420_000, cwd: folder },
    );
  const offline = await resolve('--offline');
  const resolved = offline.code === 0 ? offline : await resolve();
  if (resolved.code !== 0) {
    return void section.skipped('everything', `Maven cannot resolve the SDKs: ${lastWords(resolved)}`);
  }
  const libraries = readFileSync(classPathFile, 'utf8').trim();
  const sources = join(project, 'src', 'main', 'java');
  const files = readdirSync(sources).map((name) => join(sources, name));
  const compiled = await runTool('javac', ['-d', folder, '-cp', libraries, ...files], { timeoutMs: 180_000 });
  if (compiled.code !== 0) return void section.failed('compiling', lastWords(compiled));
  return [folder, libraries].join(delimiter);
}
