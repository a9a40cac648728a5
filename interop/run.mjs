// Runs clients that are not the JavaScript SDK against the embedded Kinesis and DynamoDB, one line per check. A client
// that is not installed is skipped, loudly. Exit code 1 only if a check has failed. `node run.mjs curl java` runs only those.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awsCliChecks } from './clients/aws-cli.mjs';
import { curlChecks } from './clients/curl.mjs';
import { goChecks } from './clients/go.mjs';
import { javaChecks } from './clients/java.mjs';
import { pythonChecks } from './clients/python.mjs';
import { Report } from './support/report.mjs';

const clients = { curl: curlChecks, python: pythonChecks, 'aws-cli': awsCliChecks, java: javaChecks, go: goChecks };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(clients, name));
if (unknown.length > 0) {
  console.error(`no client ${unknown.join(', ')}; there are ${Object.keys(clients).join(', ')}`);
  process.exit(2);
}

// What every check puts into a temporary folder goes with this one, also when a check is cut short.
const folder = mkdtempSync(join(tmpdir(), 'millrace-interop-'));
process.env.TMPDIR = folder;
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
// An end by a signal would skip the 'exit' handlers, by which child processes and that folder go.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

const report = new Report((line) => console.log(line));
for (const [name, check] of Object.entries(clients)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  try {
    await check(report.section(name));
  } catch (error) {
    report.section(name).failed('the checks', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
console.log(`\n${report.summary()}`);
process.exitCode = report.exitCode;
