import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { aRow, CrashingProcess, type LifeSettings, type Row } from './support/crashing-process';

const recordCount = 24;
const maxCrashes = 3;
/**
 * So often the process may end at a record without a pause before it, since its shard got on: in two lives before anyone is
 * careful, in two that deliver it among others (24 records, two of them, one of them), and `maxCrashes` times alone.
 */
const mostWithoutPause = 2 + 2 + maxCrashes;

interface Ending {
  readonly kind: 'runs' | 'is stopped' | 'is killed';
  readonly afterMs: number;
}

const anEnding: fc.Arbitrary<Ending> = fc.record({
  kind: fc.constantFrom('runs', 'runs', 'runs', 'is stopped', 'is killed'),
  afterMs: fc.integer({ min: 0, max: 6_000 }),
});

const someSettings = fc.record({
  policy: fc.constantFrom('block', 'bisect', 'skip', 'dead-letter'),
  form: fc.constantFrom('batch', 'batch', 'single', 'by key'),
  checkpointing: fc.constantFrom('manual', 'automatic'),
  acknowledgesEvery: fc.constantFrom(1, 3, 1_000),
  batchSize: fc.integer({ min: 1, max: recordCount }),
  workMs: fc.constantFrom(0, 40, 700),
});

/** Shards of one process, through its lives. */
async function livesOf(
  rows: readonly Row[],
  settings: Omit<LifeSettings, 'runsForMs'>,
  { kind, afterMs }: Ending,
): Promise<CrashingProcess> {
  const life = new CrashingProcess(rows, {
    ...settings,
    runsForMs: kind === 'is stopped' ? afterMs : 120_000,
    ...(kind === 'is killed' ? { killedAtMs: afterMs } : {}),
  });
  await life.run();
  expect(life.problems).toEqual([]);
  return life;
}

describe('records that end the process', () => {
  it('are let go by the policy, and no others; or wait', async () => {
    await fc.assert(
      fc.asyncProperty(
        someSettings,
        fc.array(fc.uniqueArray(fc.integer({ min: 1, max: recordCount }), { maxLength: 2 }), {
          minLength: 1,
          maxLength: 2,
        }),
        fc.array(anEnding, { maxLength: 30 }),
        async (settings, deadly, endings) => {
          const rows = deadly.map(() => aRow(recordCount));
          const isDeadly = (shard: number, record: number): boolean => deadly[shard]?.includes(record) === true;
          const letsGo = settings.policy === 'skip' || settings.policy === 'dead-letter';
          let isOver = false;
          for (let lives = 0; lives < 100 && !isOver; lives++) {
            const ending = endings[lives] ?? { kind: 'runs', afterMs: 0 };
            const crashes = rows.map(({ diedAloneSince }) => new Map(diedAloneSince));
            const life = await livesOf(rows, { ...settings, isDeadly }, ending);
            for (const [shard, row] of rows.entries()) {
              for (const record of row.letGo) {
                // Only what was alone in hand when that many lives ended.
                expect(row.diedAlone.get(record) ?? 0).toBeGreaterThanOrEqual(maxCrashes);
              }
              if (letsGo) continue;
              expect(row.letGo.size).toBe(0);
              // It comes no more often than there are pauses.
              for (const { shard: of, numbers, atMs } of life.calls) {
                const [record = 0] = numbers;
                const isHeld = of === shard && numbers.length === 1 && isDeadly(shard, record);
                if (isHeld && (crashes[shard]?.get(record) ?? 0) >= mostWithoutPause) {
                  expect(atMs).toBeGreaterThanOrEqual(10_000);
                }
              }
            }
            isOver = !life.isDead && ending.kind === 'runs';
          }
          expect(isOver).toBe(true);
          for (const [shard, row] of rows.entries()) {
            for (let record = 1; record <= recordCount; record++) {
              const isDone = row.done.has(record) || row.letGo.has(record);
              if (letsGo) expect(isDone).toBe(true);
              else if (record < Math.min(...(deadly[shard] ?? []), Infinity)) expect(row.done.has(record)).toBe(true);
              if (letsGo && isDeadly(shard, record)) expect(row.letGo.has(record)).toBe(true);
            }
            if (letsGo) expect(row).toMatchObject({ stored: { sequenceNumber: String(recordCount) }, attempted: [] });
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
