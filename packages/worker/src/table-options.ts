import { rejectUnknownOptions } from '@millrace/core';
import type { LeaseTableSettings } from '@millrace/lease-coordinator';

/** How the lease table is made. A table that exists is not changed, but for {@link TableOptions.pointInTimeRecovery}. */
export interface TableOptions {
  /** Whether a missing table is created. False where tables come from templates. @defaultValue true */
  readonly create?: boolean;
  /** On-demand, or capacity units. @defaultValue `'on-demand'` */
  readonly billing?: LeaseTableSettings['billing'];
  /** Tags of the new table. @defaultValue none */
  readonly tags?: Readonly<Record<string, string>>;
  /** Backups to any second of the last 35 days. Switched on at every start, also for a table that exists. @defaultValue false */
  readonly pointInTimeRecovery?: boolean;
  /** Refuses DeleteTable until switched off. @defaultValue false */
  readonly deletionProtection?: boolean;
  /** A KMS key. @defaultValue a key that DynamoDB owns */
  readonly encryption?: { readonly kmsKeyId: string };
}

const known: Record<keyof TableOptions, true> = {
  create: true,
  billing: true,
  tags: true,
  pointInTimeRecovery: true,
  deletionProtection: true,
  encryption: true,
};

/** Fills in the defaults and adds every problem to `problems`. */
export function resolveTableOptions(options: TableOptions | undefined, problems: string[]): LeaseTableSettings {
  rejectUnknownOptions(options, { prefix: 'table.', known: Object.keys(known), problems });
  const billing = options?.billing ?? 'on-demand';
  if (billing !== 'on-demand') {
    for (const name of ['readCapacity', 'writeCapacity'] as const) {
      const units: unknown = (billing as Partial<typeof billing>)[name];
      if (!Number.isSafeInteger(units) || Number(units) < 1) {
        problems.push(`table.billing.${name} (${String(units)}) must be a whole number of 1 or more`);
      }
    }
  }
  return {
    create: options?.create ?? true,
    billing,
    tags: options?.tags ?? {},
    pointInTimeRecovery: options?.pointInTimeRecovery ?? false,
    deletionProtection: options?.deletionProtection ?? false,
    encryption: options?.encryption,
  };
}
