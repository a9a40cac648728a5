import { writeFile } from 'node:fs/promises';
import { systemClock } from '@millrace/core';
import { allCases } from './all-cases';
import { parseCommandLine, usage, type Command } from './command-line';
import type { ContractCase } from './contract-case';
import { differencesPage } from './differences-page';
import { progressLine, resultsAsJson, resultTable } from './report';
import { runCases, type CaseResult } from './run-cases';
import type { Target } from './target';
import { endpointTarget } from './targets/endpoint-target';
import { kinesisLocalTarget } from './targets/kinesis-local-target';
import { localTarget } from './targets/local-target';

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if ('problem' in command) {
    console.error(`contract: ${command.problem}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const cases = allCases.filter(({ operation, rule }) => command.only.test(`${operation}: ${rule}`));
  const results = await run(await targetOf(command), cases);
  if (command.target.kind === 'kinesis-local' && command.target.tableFile !== undefined) {
    await writeFile(command.target.tableFile, differencesPage(results));
    return;
  }
  console.log(command.json ? resultsAsJson(results) : resultTable(results, nameOf(command)));
  if (results.some(({ outcome }) => outcome.kind === 'failed')) process.exitCode = 1;
}

async function targetOf({ target }: Command): Promise<Target> {
  switch (target.kind) {
    case 'endpoint':
      return endpointTarget(target);
    case 'kinesis-local':
      return kinesisLocalTarget();
    case 'local':
      return localTarget();
  }
}

function nameOf({ target }: Command): string {
  return target.kind === 'endpoint' ? target.endpoint : target.kind;
}

/** Progress goes to stderr, so that results can be piped. */
async function run(target: Target, cases: readonly ContractCase[]): Promise<readonly CaseResult[]> {
  let done = 0;
  try {
    return await runCases(cases, target, systemClock, (result) =>
      console.error(progressLine(result, ++done, cases.length)),
    );
  } finally {
    for (const name of await target.close()) {
      console.error(`not deleted: ${name}`);
      process.exitCode = 1;
    }
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
