import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withEmulator } from '../support/emulator.mjs';
import { lastWords, runCheckProgram, runTool } from '../support/tool.mjs';

const cwd = join(import.meta.dirname, '..', 'go');

/** The first run compiles the SDK, which takes a minute or two; later ones find it in Go's cache. */
export async function goChecks(section) {
  const probe = await runTool('go', ['version'], { timeoutMs: 60_000 });
  if (probe.code !== 0) return section.skipped('everything', `go ${lastWords(probe)}`);
  const modules = await runTool('go', ['mod', 'download'], { cwd, timeoutMs: 180_000 });
  if (modules.code !== 0) return section.skipped('everything', `go cannot resolve the SDK: ${lastWords(modules)}`);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-go-'));
  try {
    const program = join(folder, 'check');
    const built = await runTool('go', ['build', '-o', program, '.'], { cwd, timeoutMs: 600_000 });
    if (built.code !== 0) return section.failed('compiling', lastWords(built));
    await withEmulator(({ env }) => runCheckProgram(section, 'SDK 2', program, [], { timeoutMs: 120_000, env }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
