/** The stores of this project. All but `memory` are optional: an operator installs the one the configuration names. */
export const FIRST_PARTY_PACKAGES: Readonly<Record<string, string>> = {
  memory: '@switchyard/queue-memory',
  redis: '@switchyard/queue-redis',
  postgres: '@switchyard/queue-postgres',
  sqs: '@switchyard/queue-sqs',
  kafka: '@switchyard/queue-kafka',
};
