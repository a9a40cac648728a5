import { ConfigError } from '@millrace/core';
import type { Exchange } from '../faults/exchange';
import { asFaultRule } from '../faults/fault-rule';
import type { Faults } from '../faults/faults';
import type { KinesisEngine } from '../kinesis/engine';
import { KinesisServiceError } from '../kinesis/service-error';
import type { ServiceReply, ServiceRequest } from '../service/service';
import type { ShiftedClock } from '../shifted-clock';

/** Everything below this path is for the test that drives the emulator, not for its clients. */
const adminPath = '/_millrace/';

export interface AdminTargets {
  readonly faults: Faults;
  readonly kinesis: KinesisEngine;
  readonly clock: ShiftedClock;
}

/** Lets other processes do what a test in this process does by method calls. */
export function withAdminRoute(targets: AdminTargets, next: Exchange): Exchange {
  return async (request, onHeld) => {
    if (!request.path.startsWith(adminPath)) return next(request, onHeld);
    return { kind: 'reply', reply: administer(targets, request) };
  };
}

function administer(targets: AdminTargets, request: ServiceRequest): ServiceReply {
  const [what = '', id] = request.path.slice(adminPath.length).split('/');
  const command = `${request.method} ${what}`;
  try {
    switch (command) {
      case 'GET faults':
        return ok({
          faults: targets.faults.list().map(({ id: faultId, rule, hits }) => ({ id: faultId, rule, hits })),
        });
      case 'POST faults':
        return ok({ id: targets.faults.add(asFaultRule(membersOf(request))).id });
      case 'DELETE faults':
        if (id === undefined) targets.faults.clear();
        else if (!targets.faults.remove(id)) return problem(404, `no fault ${id}`);
        return ok({});
      case 'POST expire-iterators':
        targets.kinesis.expireIterators(textOf(membersOf(request), 'streamName'));
        return ok({});
      case 'POST trim':
        trim(targets.kinesis, membersOf(request));
        return ok({});
      case 'POST advance':
        targets.clock.shift(numberOf(membersOf(request), 'ms'));
        return ok({});
      default:
        return problem(404, `no command ${command}: see the README of @millrace/local`);
    }
  } catch (error) {
    if (error instanceof ConfigError || error instanceof KinesisServiceError || error instanceof SyntaxError) {
      return problem(400, error.message);
    }
    // A fault of ours, which whoever sent the request should get to see.
    return problem(500, String(error));
  }
}

function trim(kinesis: KinesisEngine, members: Members): void {
  const streamName = textOf(members, 'streamName');
  if (streamName === undefined) throw new ConfigError(['streamName is needed']);
  kinesis.trim(streamName, members['beforeMs'] === undefined ? {} : { beforeMs: numberOf(members, 'beforeMs') });
}

type Members = Readonly<Record<string, unknown>>;

function membersOf({ body }: ServiceRequest): Members {
  const members: unknown = body.length === 0 ? {} : JSON.parse(Buffer.from(body).toString('utf8'));
  if (typeof members !== 'object' || members === null) throw new ConfigError(['the body must be a JSON object']);
  return members as Members;
}

function textOf(members: Members, name: string): string | undefined {
  const value = members[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new ConfigError([`${name} must be a text`]);
}

function numberOf(members: Members, name: string): number {
  const value = members[name];
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new ConfigError([`${name} must be a number of 0 or more`]);
}

function ok(members: object): ServiceReply {
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(members) };
}

function problem(statusCode: number, message: string): ServiceReply {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}
