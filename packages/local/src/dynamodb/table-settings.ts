import { actionOf, parametersOf, type Parameters, type ParameterTypes } from './dynalite';
import { perform } from './dynalite-store';
import type { JsonObject } from './json';
import { tableOf, type Account, type Operation } from './operation';
import { DynamoDbServiceError, invalid } from './service-error';
import type { Table } from './table';

/** Point-in-time recovery cannot go back to the last five minutes. */
const restorableAfterMs = 5 * 60_000;

/** What is remembered of a table and shown again, without any other effect. */
export const tableSettingsOperations: Readonly<Record<string, Operation>> = {
  UpdateContinuousBackups: {
    parameters: ofTable({
      PointInTimeRecoverySpecification: structure('PointInTimeRecoverySpecification', {
        PointInTimeRecoveryEnabled: { type: 'Boolean', notNull: true },
        RecoveryPeriodInDays: { type: 'Integer', greaterThanOrEqual: 1, lessThanOrEqual: 35 },
      }),
    }),
    run: updateContinuousBackups,
  },
  DescribeContinuousBackups: {
    parameters: ofTable(),
    run: (account, input) => describeContinuousBackups(account, backedUpTable(account, input)),
  },
  UpdateTimeToLive: {
    parameters: ofTable({
      TimeToLiveSpecification: structure('TimeToLiveSpecification', {
        AttributeName: { type: 'String', notNull: true, lengthGreaterThanOrEqual: 1, lengthLessThanOrEqual: 255 },
        Enabled: { type: 'Boolean', notNull: true },
      }),
    }),
    run: updateTimeToLive,
  },
  DescribeTimeToLive: {
    parameters: ofTable(),
    run: (account, input) => {
      const { timeToLiveAttribute: AttributeName } = tableOf(account, input);
      const isOn = AttributeName !== undefined;
      return {
        TimeToLiveDescription: isOn ? { TimeToLiveStatus: 'ENABLED', AttributeName } : { TimeToLiveStatus: 'DISABLED' },
      };
    },
  },
  TagResource: ofDynalite('tagResource'),
  UntagResource: ofDynalite('untagResource'),
  ListTagsOfResource: ofDynalite('listTagsOfResource'),
};

function ofDynalite(name: string): Operation {
  const action = actionOf(name);
  return { parameters: parametersOf(name), run: (account, input) => perform(action, account, input) };
}

function ofTable(others: ParameterTypes = {}): Parameters {
  return { types: { ...parametersOf('describeTable').types, ...others } };
}

function structure(name: string, children: ParameterTypes): ParameterTypes {
  return { type: `FieldStruct<${name}>`, notNull: true, children };
}

/** These operations have an error of their own for a table that isn't there. */
function backedUpTable({ tables, clock }: Account, input: JsonObject): Table {
  const name = String(input['TableName']);
  const table = tables.find(name, clock.now());
  if (table === undefined) throw new DynamoDbServiceError('TableNotFoundException', `Table not found: ${name}`);
  return table;
}

function updateContinuousBackups(account: Account, input: JsonObject): JsonObject {
  const table = backedUpTable(account, input);
  const { PointInTimeRecoveryEnabled } = input['PointInTimeRecoverySpecification'] as JsonObject;
  const sinceMs = table.pointInTimeRecoverySinceMs ?? account.clock.wallTime();
  table.pointInTimeRecoverySinceMs = PointInTimeRecoveryEnabled === true ? sinceMs : undefined;
  return describeContinuousBackups(account, table);
}

function describeContinuousBackups({ clock }: Account, { pointInTimeRecoverySinceMs: sinceMs }: Table): JsonObject {
  const recovery =
    sinceMs === undefined
      ? { PointInTimeRecoveryStatus: 'DISABLED' }
      : {
          PointInTimeRecoveryStatus: 'ENABLED',
          RecoveryPeriodInDays: 35,
          EarliestRestorableDateTime: sinceMs / 1000,
          LatestRestorableDateTime: Math.max(sinceMs, clock.wallTime() - restorableAfterMs) / 1000,
        };
  return {
    ContinuousBackupsDescription: { ContinuousBackupsStatus: 'ENABLED', PointInTimeRecoveryDescription: recovery },
  };
}

function updateTimeToLive(account: Account, input: JsonObject): JsonObject {
  const table = tableOf(account, input);
  const specification = input['TimeToLiveSpecification'] as {
    readonly AttributeName: string;
    readonly Enabled: boolean;
  };
  const { AttributeName, Enabled } = specification;
  const current = table.timeToLiveAttribute;
  if (Enabled === (current !== undefined)) throw invalid(`TimeToLive is already ${Enabled ? 'enabled' : 'disabled'}`);
  if (!Enabled && current !== AttributeName) {
    throw invalid(`TimeToLive is active on a different AttributeName: current AttributeName is ${String(current)}`);
  }
  table.timeToLiveAttribute = Enabled ? AttributeName : undefined;
  return { TimeToLiveSpecification: specification };
}
