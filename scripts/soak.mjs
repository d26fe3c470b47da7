// `npm run test:soak`: the fault tests with many more rounds and longer faults. Takes an hour or more. Arguments go to vitest.
process.env.SWITCHYARD_SOAK = '1';
process.argv.splice(2, 0, 'faults/', 'crash');
await import('./test.mjs');
