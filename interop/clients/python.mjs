import { join } from 'node:path';
import { withEmulator } from '../support/emulator.mjs';
import { runCheckProgram, runTool } from '../support/tool.mjs';

const program = join(import.meta.dirname, '..', 'python', 'check.py');

/** boto3, with the interpreter that INTEROP_PYTHON names, else `python3`. */
export async function pythonChecks(section) {
  const python = process.env.INTEROP_PYTHON ?? 'python3';
  const probe = await runTool(python, ['-c', 'import boto3; print(boto3.__version__)'], { timeoutMs: 60_000 });
  if (probe.code !== 0) {
    return section.skipped(
      'everything',
      `${python} has no boto3. python3 -m venv FOLDER && FOLDER/bin/pip install boto3, then INTEROP_PYTHON=FOLDER/bin/python`,
    );
  }
  await withEmulator(({ env }) =>
    runCheckProgram(section, `boto3 ${probe.stdout.trim()}`, python, ['-B', program], {
      timeoutMs: 180_000,
      env,
    }),
  );
}
