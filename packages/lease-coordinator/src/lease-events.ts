import type { CorruptLeaseError } from '@millrace/core';

/** What happened to leases, for metrics and events. Never the only carrier of a fault; a listener that throws is logged. */
export interface LeaseObserverEvents {
  /** This worker acquired a free or expired lease. `from` is who was named in the row. */
  taken?(event: { readonly leaseKey: string; readonly fencingToken: number; readonly from: string | undefined }): void;
  /** This worker acquired a lease that it had asked for. */
  adopted?(event: { readonly leaseKey: string; readonly fencingToken: number }): void;
  /** This worker asked `from` for a lease. */
  handoverRequested?(event: { readonly leaseKey: string; readonly from: string }): void;
  /** This worker gave a lease to the worker that asked for it, or to its successor when it was stopped. */
  handedOver?(event: { readonly leaseKey: string; readonly to: string }): void;
  /** This worker gave a lease back, to nobody. */
  released?(event: { readonly leaseKey: string }): void;
  /** This worker could not keep a lease, or let it expire on purpose (`abandoned`). */
  lost?(event: { readonly leaseKey: string; readonly abandoned: boolean }): void;
  /** This worker took a lease from an owner that did not hand it over; it is free once it has expired. */
  evicted?(event: { readonly leaseKey: string; readonly owner: string }): void;
  /** A row cannot be understood. Once per row and problem. */
  corrupt?(event: { readonly leaseKey: string; readonly error: CorruptLeaseError }): void;
  /** DynamoDB has answered a write to a lease, be it by refusing its condition. */
  written?(event: { readonly operation: string }): void;
  /** DynamoDB throttled a call. */
  tableThrottled?(event: { readonly operation: string; readonly error: unknown }): void;
  /** A call failed for another reason than a throttle. */
  tableFailing?(event: { readonly operation: string; readonly error: unknown }): void;
  /** The lease table was read. */
  listed?(event: { readonly leases: number; readonly held: number; readonly durationMs: number }): void;
}
