import { onAnswer, operationOf } from '../undici-calls';
import type { ReadCounts } from './messages';

/** Counts this process's calls of GetRecords from now on, by what was answered. A call without an answer is not counted. */
export function countReads(): () => ReadCounts {
  let answered = 0;
  let throttled = 0;
  onAnswer(({ request, response }) => {
    if (operationOf(request) !== 'GetRecords') return;
    // Of what may go wrong here it is the only thing: the worker would tell of all else.
    if (response.statusCode === 400) throttled++;
    else answered++;
  });
  return () => ({ answered, throttled });
}
