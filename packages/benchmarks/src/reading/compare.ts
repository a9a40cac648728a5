import { readers, type Turns } from '../processing/read-in-turns';
import { adapterOf, type Adapter, type Comparison } from './scenario';

/** The runs of each adapter, each with that of the bare loop of the same turn. */
export function compare<Run>(
  turns: readonly Turns<Run>[],
): readonly { readonly adapter: Adapter; readonly runs: readonly Comparison<Run>[] }[] {
  return readers.map((reader) => ({
    adapter: adapterOf[reader],
    runs: turns.map((runs) => ({ ours: runs[reader], bare: reader === 'bare' ? undefined : runs.bare })),
  }));
}
