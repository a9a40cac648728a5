import { existsSync } from 'node:fs';
import { join } from 'node:path';

const entry = join(import.meta.dirname, '..', '..', 'packages', 'local', 'dist', 'index.js');

/**
 * Gives a fresh emulator to `use`, and closes it. Its limits are those of AWS, but for the rates of calls and of writes:
 * no check should wait, or fail, because of how fast the others were. What is read per second stays limited.
 */
export async function withEmulator(use) {
  if (!existsSync(entry)) throw new Error('there is no build: npx tsc --build packages/local');
  const { startLocalAws, unlimitedRates } = await import(entry);
  const aws = await startLocalAws({ limits: { ...unlimitedRates, readBytesPerSecond: undefined } });
  try {
    return await use({ aws, env: environmentFor(aws) });
  } finally {
    await aws.close();
  }
}

/** Nothing of the user's own AWS settings: a check that reached a real account would be a disaster. */
function environmentFor({ kinesisEndpoint, dynamodbEndpoint }) {
  const own = Object.entries(process.env).filter(([name]) => !name.toUpperCase().startsWith('AWS_'));
  return {
    ...Object.fromEntries(own),
    AWS_ENDPOINT_URL_KINESIS: kinesisEndpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodbEndpoint,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
  };
}
