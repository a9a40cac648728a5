import { setMaxListeners } from 'node:events';
import type { Kinesis } from '@aws-sdk/client-kinesis';

/** The same client, of which every call that is being made, or is made later, fails as soon as the signal aborts. */
export function abortable(kinesis: Kinesis, signal: AbortSignal): Kinesis {
  // One listener for each call under way; all of them are removed again.
  setMaxListeners(0, signal);
  const { requestHandler } = kinesis.config;
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = (request, options) => handle(request, { ...options, abortSignal: signal });
  return kinesis;
}
