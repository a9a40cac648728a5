#!/usr/bin/env node
import { ConfigError } from '@millrace/core';
import { parseCommandLine, usage } from './command-line';
import { startLocalAws } from './local-aws';

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command.kind === 'help') {
    console.log(usage);
    return;
  }
  if (command.kind === 'problem') {
    console.error(`millrace-local: ${command.problem}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const region = 'us-east-1';
  const aws = await startLocalAws({ ...command.options, region });
  console.log(
    [
      `export AWS_ENDPOINT_URL_KINESIS=${aws.kinesisEndpoint}`,
      `export AWS_ENDPOINT_URL_DYNAMODB=${aws.dynamodbEndpoint}`,
      `export AWS_REGION=${region}`,
      'export AWS_ACCESS_KEY_ID=local',
      'export AWS_SECRET_ACCESS_KEY=local',
    ].join('\n'),
  );
  const stop = (): void => void aws.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  console.error(`millrace-local: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
});
