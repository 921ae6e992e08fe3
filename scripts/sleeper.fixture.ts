/** A script that lives until it is told to end, and says so: for the test of `run.mjs`. */
const alive = setInterval(() => {}, 1_000);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    console.log(signal);
    clearInterval(alive);
    process.exitCode = 7;
  });
}
console.log(`ready ${process.ppid}`);
