export type KeySchema = readonly { readonly AttributeName: string; readonly KeyType: string }[];

export interface AttributeDefinition {
  readonly AttributeName: string;
  readonly AttributeType: string;
}

export interface Throughput {
  readonly ReadCapacityUnits: number;
  readonly WriteCapacityUnits: number;
}

export interface SecondaryIndex {
  readonly IndexName: string;
  readonly KeySchema: KeySchema;
  readonly Projection: { readonly ProjectionType: string; readonly NonKeyAttributes?: readonly string[] };
  readonly ProvisionedThroughput?: Throughput | undefined;
}

/** What CreateTable is told, in its words. */
export interface TableDefinition {
  readonly TableName: string;
  readonly AttributeDefinitions: readonly AttributeDefinition[];
  readonly KeySchema: KeySchema;
  readonly BillingMode?: string;
  readonly ProvisionedThroughput?: Throughput | undefined;
  readonly LocalSecondaryIndexes?: readonly SecondaryIndex[];
  readonly GlobalSecondaryIndexes?: readonly SecondaryIndex[] | undefined;
}

/** The definition with these global indexes and no attributes that are in no key any longer. */
export function withGlobalIndexes(definition: TableDefinition, indexes: readonly SecondaryIndex[]): TableDefinition {
  const keys = [definition, ...(definition.LocalSecondaryIndexes ?? []), ...indexes].flatMap(
    (keyed) => keyed.KeySchema,
  );
  const used = new Set(keys.map((key) => key.AttributeName));
  return {
    ...definition,
    AttributeDefinitions: definition.AttributeDefinitions.filter(({ AttributeName }) => used.has(AttributeName)),
    // An empty list would not be a valid definition.
    GlobalSecondaryIndexes: indexes.length > 0 ? indexes : undefined,
  };
}
