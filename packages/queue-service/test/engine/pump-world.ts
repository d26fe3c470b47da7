import type { Delivery, Settlement, StoreCapabilities } from '@switchyard/queue-api';
import { Pump } from '../../src/engine/pump.ts';
import { half, linkedStore } from './world.ts';

interface PumpWorldOptions {
  readonly exchange?: boolean;
  readonly capabilities?: Partial<StoreCapabilities>;
  readonly room?: number;
}

/** A pump into a room of a given size. */
export function pumpWorld({ exchange = false, capabilities = {}, room = 10 }: PumpWorldOptions = {}) {
  const world = linkedStore({ exchange, standby: true, capabilities });
  const { link, clock, store } = world;
  const state = { room };
  const arrived: string[] = [];
  const late: string[] = [];
  const done: string[] = [];
  const lost: string[] = [];
  const pump = new Pump({
    link,
    clock,
    random: half,
    leaseMs: 30_000,
    capacity: room,
    startWaiting: () => false,
    room: () => state.room,
    onDeliveries: deliveries => {
      for (const delivery of deliveries) arrived.push(idOf(delivery));
      state.room -= deliveries.length;
    },
    onLateDeliveries: deliveries => late.push(...deliveries.map(idOf)),
    onDone: ({ settlement }) => void done.push(String(settlement.receipt)),
    onLost: ({ settlement }, code) => void lost.push(`${String(settlement.receipt)} ${code}`),
  });
  const put = (...ids: string[]) => {
    for (const id of ids) {
      const settlement: Settlement = { receipt: id, kind: 'ack' };
      pump.outbox.put({
        settlement,
        attempt: undefined,
        onDone: undefined,
        onEnd: undefined,
        uncertain: false,
        refusals: 0,
      });
    }
    pump.schedule();
  };
  /** What pending calls may bring at most. */
  const asked = () => store.reserve.calls.map(({ args: [{ max, waitMs }] }) => `${max} ${waitMs > 0 ? 'wait' : 'now'}`);
  return { ...world, pump, state, arrived, late, done, lost, put, asked, settle: () => clock.advance(0) };
}

const idOf = (delivery: Delivery) => (delivery.kind === 'job' ? delivery.id : 'unreadable');
