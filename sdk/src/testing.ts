/**
 * For tests and simulations: whole devices, a server and a network that misbehaves, in one process and in virtual
 * time. They run the code that production runs; only clock, randomness, disk and wire are replaced.
 */
export {
  copyDisk,
  MemoryDevice,
  emptyDisk,
  type LocalIntent,
  type MemoryDeviceOptions,
  type MemoryDisk,
} from './store/memory-device.ts';
export type { RecordRow, RejectedRow } from './store/layout.ts';
export { recordKey } from './store/record-key.ts';
export { TestDevice, type TestDeviceOptions } from './testing/test-device.ts';
export { TestPeering, type TestPeeringOptions } from './testing/test-peering.ts';
export { TestServer, type ServerDisk, type TestServerOptions } from './testing/test-server.ts';
export { TestLink, type LinkWeather } from './testing/test-link.ts';
export { Timeline } from './testing/timeline.ts';
export {
  createTestNetwork,
  type TestClock,
  type TestFaults,
  type TestNetwork,
  type TestNetworkDevice,
  type TestNetworkOptions,
} from './testing/test-network.ts';
export { arbitraries, type Arbitraries } from './testing/arbitraries.ts';
export type { ContractCase } from './testing/contract.ts';
export { storeContract, type StoreSubject } from './testing/store-contract.ts';
export { createFallbackTransport } from './transport/fallback.ts';
export { createHttpTransport } from './transport/http.ts';
export { createWebSocketTransport } from './transport/websocket.ts';
export type { Transport, TransportHandlers, TransportLink } from './transport/transport.ts';
export { transportContract, type TransportPeer, type TransportSubject } from './testing/transport-contract.ts';
export {
  testMerge,
  UnsafeMerge,
  type MergeProperty,
  type MergeReport,
  type TestMergeOptions,
} from './testing/test-merge.ts';
