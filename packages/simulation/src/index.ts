export { simulate, type SimulationOptions, type SimulationResult } from './simulation';
export { faultKinds, type FaultKind } from './fault-kinds';
export type { Guarantee, Violation } from './violation';
export type { ServiceCall } from './service-call';
