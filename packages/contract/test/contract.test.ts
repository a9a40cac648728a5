import * as sdk from '@aws-sdk/client-kinesis';
import { afterAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '@millrace/core';
import { startLocalAws } from '@millrace/local';
import { allCases } from '../src/all-cases';
import { operations } from '../src/contract-case';
import { nameOfCase } from '../src/differences-page';
import { runCase } from '../src/run-cases';
import { localTarget } from '../src/targets/local-target';

describe('the contract', () => {
  it('has cases for every operation that it names, and each rule once', () => {
    const casesFor = (operation: string): number => allCases.filter((one) => one.operation === operation).length;
    expect(operations.filter((operation) => casesFor(operation) < 4)).toEqual([]);
    const names = allCases.map(nameOfCase);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('has cases for every operation of the SDK that the local Kinesis answers', async () => {
    const aws = await startLocalAws();
    const commands = Object.keys(sdk).flatMap((name) => /^(\w+)Command$/.exec(name)?.[1] ?? []);
    const answered: string[] = [];
    for (const operation of commands) {
      const response = await fetch(aws.kinesisEndpoint, {
        method: 'POST',
        headers: { 'x-amz-target': `Kinesis_20131202.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
        body: '{}',
      });
      if (!(await response.text()).includes('UnknownOperationException')) answered.push(operation);
    }
    await aws.close();
    expect(commands.length).toBeGreaterThan(30);
    expect(answered.length).toBeGreaterThan(10);
    expect(answered.filter((operation) => !operations.some((one) => one === operation))).toEqual([]);
  });

  it('names a page of AWS for every rule', () => {
    const pages = allCases.map(({ page }) => page);
    expect(pages.filter((page) => !/^(API reference: [A-Za-z]+|Developer guide: .+)$/.test(page))).toEqual([]);
  });
});

describe('the local Kinesis keeps the contract', () => {
  const target = localTarget();
  afterAll(() => target.close());

  it.each(allCases.map((one) => ({ ...one, one })))(
    '$operation: $rule',
    async ({ one }) => {
      expect(await runCase(one, target, systemClock)).toEqual({ kind: 'passed' });
    },
    40_000,
  );
});
