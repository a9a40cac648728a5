/**
 * All who poll a shard share five GetRecords calls a second.
 *
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
 */
export const MIN_SPACING_MS = 1_000 / 5;
/** With calls two seconds apart, more readers would only wait longer: what is still refused is made again. */
const MAX_READERS = 10;

/**
 * A trial is slow at first: after 260 answers calls are 2 % closer together, after 315 by a tenth, after 400 by half, after
 * 425 by two thirds.
 */
const TRIAL_ANSWERS = 420;
const TRIAL_POWER = 8;
/** Less than this is no trial yet. */
const TRIAL_MARGIN = 0.02;
/** Its refusal comes late: what the shard has saved up is used up before, and others are refused first. */
const TRIAL_OVERSHOOT = 1.4;

/** The others have to react, too, before a refusal says anything new: to one more reader; or to a trial, as all try at about the same time. */
const CALLS_TO_SETTLE = { afterStep: 20, afterTrial: 60 };
const CALLS_REMEMBERED = 100;
const MAX_REFUSALS = 4;
/** Between refusals. An application that reads large answers reads them more rarely. */
const FEW_ANSWERS = 3;

/**
 * How far apart the calls to a shard are that others may read too.
 *
 * Nobody says how many readers there are, and a refusal meets any of them, not the one who calls too often: whoever calls
 * a bit less after a refusal, and a bit more without one, has a share by chance. But the limit is known, and so are the
 * fair shares: each of n readers may call once in n times 200 ms. Every reader rests at one of these distances, and then
 * all together are just inside the limit, and none is refused. What each has to find out is n:
 *
 * - Refused at rest, it counts one reader more: at the first refusal if it thought that it was alone, because then there
 *   would have been none; at the second if it knew of one other; at the fourth if it knew of more, as one more makes less of
 *   a difference then.
 * - After some hundred answers in peace it tries whether somebody has left: its calls come closer together, slowly at first
 *   and then faster. The refusal that ends the trial says how many readers there are, never more than before. One that is
 *   alone again is back at five calls a second in about four minutes; and of those who are not, about one call in two
 *   hundred is refused because of trials.
 *
 * Nobody says either which limit was met. Calls, and the bytes that readers at rest ask for, are there again after 200 ms. Who
 * is refused twice in a row waits until somebody's larger answer is paid for. That there are others it says to one that
 * thought it was alone; how many there are it does not say, and no pace would help, so that it changes nothing else. But when
 * it happens all the time to one that has nothing left to read, calls are short, and refusals count as calls.
 */
export class CallSpacing {
  /** How many read the shard, with us, as far as we know. */
  #readers = 1;
  #answersInPeace = 0;
  #answersSinceRefusal = 0;
  #calls = 0;
  /** Refusals at rest, by the count of calls. */
  #refusals: readonly number[] = [];
  /** Until this call refusals at rest are not counted. */
  #settledAtCall = 0;

  /** From the start of one call to the start of the next, in milliseconds: 200 to 2,000. */
  get ms(): number {
    return Math.max(MIN_SPACING_MS, this.#readers * MIN_SPACING_MS * this.#closeness);
  }

  /** Of the limits, what is ours while we call so often: 1 when we are alone. */
  get share(): number {
    return MIN_SPACING_MS / this.ms;
  }

  called(): void {
    this.#calls++;
  }

  /** A call was answered, which shows that so many were possible since the last one. After {@link refused}, if there were refusals. */
  answered(callsShown: number): void {
    this.#answersSinceRefusal++;
    this.#answersInPeace += callsShown;
    // The end of a trial: nobody objected.
    if (this.ms === MIN_SPACING_MS) this.#readers = 1;
  }

  /** So many calls in a row were refused because of a limit of the shard, before one was answered. */
  refused(times: number, { isCaughtUp }: { readonly isCaughtUp: boolean }): void {
    const isFrequent = this.#answersSinceRefusal <= FEW_ANSWERS;
    this.#answersSinceRefusal = 0;
    const isOfCalls = times === 1 || (isFrequent && isCaughtUp);
    if (!isOfCalls && this.#readers > 1) return;
    if (this.#isTrying) this.#endTrial();
    else if (this.#calls > this.#settledAtCall) this.#countRefusal();
    this.#answersInPeace = 0;
  }

  /** Of the distance at rest: 1, and less in a trial. */
  get #closeness(): number {
    return Math.exp(-((this.#answersInPeace / TRIAL_ANSWERS) ** TRIAL_POWER));
  }

  get #isTrying(): boolean {
    return this.#readers > 1 && this.#closeness < 1 - TRIAL_MARGIN;
  }

  #endTrial(): void {
    this.#readers = Math.min(this.#readers, Math.ceil((this.ms * TRIAL_OVERSHOOT) / MIN_SPACING_MS));
    this.#settle(CALLS_TO_SETTLE.afterTrial);
  }

  #countRefusal(): void {
    this.#refusals = [...this.#refusals.filter((at) => at > this.#calls - CALLS_REMEMBERED), this.#calls];
    if (this.#refusals.length < Math.min(MAX_REFUSALS, 2 ** (this.#readers - 1))) return;
    this.#readers = Math.min(MAX_READERS, this.#readers + 1);
    this.#settle(CALLS_TO_SETTLE.afterStep);
  }

  #settle(calls: number): void {
    this.#refusals = [];
    this.#settledAtCall = this.#calls + calls;
  }
}
