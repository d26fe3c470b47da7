export type KafkaSettings = Readonly<Record<string, string>>;

/** What all brokers of the tests have in common. `replicas`: how many there are of everything, by default. */
export function commonSettings(replicas: 1 | 3): KafkaSettings {
  const factor = String(replicas);
  const minInSync = String(Math.min(replicas, 2));
  return {
    'process.roles': 'broker,controller',
    'controller.listener.names': 'CONTROLLER',
    'default.replication.factor': factor,
    'min.insync.replicas': minInSync,
    'unclean.leader.election.enable': 'false',
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': minInSync,
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': minInSync,
    // Each partition of these is read before its coordinator answers.
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // Tests wait for the sessions of workers that died. The default is twice as long.
    'group.min.session.timeout.ms': '3000',
    // Taken from the heap at once. The default is 128 MiB.
    'log.cleaner.dedupe.buffer.size': '4194304',
    // How long after a kill the controller goes on to believe in the broker that was, and refuses the new one.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '250',
  };
}
