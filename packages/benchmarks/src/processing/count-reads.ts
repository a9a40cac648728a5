import type { ReadCounts } from './messages';

interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
}

interface HttpAnswer {
  readonly response: { readonly statusCode: number };
}

interface RequestHandler {
  handle(request: HttpRequest, options?: object): Promise<HttpAnswer>;
}

/**
 * Counts a client's calls of GetRecords by what was answered. At its request handler, as middleware would change the way that the
 * calls go. A call without an answer is not counted.
 */
export function countReads<T extends object>(handler: T): { readonly handler: T; readonly reads: () => ReadCounts } {
  let answered = 0;
  let throttled = 0;
  const inner = handler as unknown as RequestHandler;
  const send = inner.handle.bind(inner);
  const handle = async (request: HttpRequest, options?: object): Promise<HttpAnswer> => {
    const answer = await send(request, options);
    if (request.headers['x-amz-target']?.endsWith('.GetRecords') === true) {
      // Of what may go wrong here it is the only thing: the worker would tell of all else.
      if (answer.response.statusCode === 400) throttled++;
      else answered++;
    }
    return answer;
  };
  return { handler: Object.assign(handler, { handle }), reads: () => ({ answered, throttled }) };
}
