import { expect, it } from '@jest/globals';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeStreamSummaryCommand } from '@aws-sdk/client-kinesis';
import { installLightCommands, LightCommand } from '../src/light-commands';
import { simulate } from '../src/simulation';

it('takes commands that are light for those of the SDK: nothing happens otherwise', async () => {
  const withReal = await simulate({ seed: 3 });
  installLightCommands();
  const withLight = await simulate({ seed: 3 });
  expect(withLight).toEqual(withReal);

  const update = new UpdateItemCommand({ TableName: 'leases', Key: {} });
  expect(update).toBeInstanceOf(LightCommand);
  expect(update).toMatchObject({ operation: 'UpdateItem', input: { TableName: 'leases' }, isPlain: true });

  const describe = new DescribeStreamSummaryCommand({ StreamName: 'flights' });
  describe.middlewareStack.add((next) => next, { step: 'deserialize', name: 'mine' });
  expect(describe).toMatchObject({ operation: 'DescribeStreamSummary', isPlain: false });
  expect(describe.middlewareStack.identify()).toEqual(['mine - deserialize']);
}, 30_000);
