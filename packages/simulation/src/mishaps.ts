import type { Chance } from './chance';
import type { Machine } from './machine';
import { connectionReset, isWrite, unknownError, type ServiceCall } from './service-call';
import { rowKeyOf } from './table-call';
import { writeKindOf, type WriteKind } from './write-kinds';

/** What becomes of one attempt: it takes effect and nobody is told; it meets an error that nobody knows; or all is well. */
type Step = 'no-answer' | 'unknown-error' | 'well';

interface Mishap {
  readonly machine: Machine;
  readonly first: ReadonlySet<WriteKind>;
  /** Of the row whose write was the first to go wrong; then its next ones do. */
  row: string | undefined;
  readonly steps: Step[];
  readonly silentMs: number;
}

export type MishapFate = { readonly instead?: Error | 'nothing' } | 'silence';

const acquisitions: ReadonlySet<WriteKind> = new Set(['takes', 'adopts']);
const holderWrites: ReadonlySet<WriteKind> = new Set(['renews', 'checkpoints']);

/**
 * Troubles that matter only right after one another: the answer to a write about a lease is lost, the next attempt shows that
 * it got through, and then the machine hears nothing of DynamoDB for longer than a lease lives. By single faults that
 * meet by chance this hardly happens.
 */
export class Mishaps {
  #waiting: readonly Mishap[] = [];

  constructor(private readonly chance: Chance) {}

  plan(machine: Machine, silentMs: number): void {
    const steps = this.chance.oneOf<readonly Step[]>([
      ['no-answer', 'well'],
      ['no-answer', 'well'],
      ['no-answer', 'unknown-error', 'well'],
    ]);
    const first = this.chance.happens(0.4) ? acquisitions : holderWrites;
    this.#waiting = [...this.#waiting, { machine, first, row: undefined, steps: [...(steps ?? [])], silentMs }];
  }

  /** What one of them makes of this call; undefined if none concerns it. After `silence` the machine is cut off. */
  fateOf(call: ServiceCall, machine: Machine, nowMs: number): MishapFate | undefined {
    if (this.#waiting.length === 0 || !isWrite(call)) return undefined;
    const row = rowKeyOf(call.input);
    const mishap = this.#waiting.find((each) =>
      each.machine !== machine ? false : each.row === undefined ? each.first.has(writeKindOf(call)) : each.row === row,
    );
    if (mishap === undefined) return undefined;
    mishap.row = row;
    const step = mishap.steps.shift();
    if (step === 'well') return {};
    if (step === 'no-answer') return { instead: this.chance.happens(0.8) ? 'nothing' : connectionReset() };
    if (step === 'unknown-error') return { instead: unknownError('SocketError') };
    this.#waiting = this.#waiting.filter((each) => each !== mishap);
    machine.cutOffUntilMs.dynamodb = nowMs + mishap.silentMs;
    return 'silence';
  }

  /** Nothing more goes wrong. */
  end(): void {
    this.#waiting = [];
  }
}
