/**
 * The life of the command: configuration, start, signals, end; or one of its tools.
 *
 * Exit codes: 0 stopped as asked · 1 could not start, or the storage failed · 2 the configuration is wrong.
 */
import { jwt } from './auth/jwt.ts';
import { readConfig, type Config } from './config.ts';
import { createLogger, failureFields, type Logger } from './log.ts';
import { StorageError } from './storage/port.ts';
import { postgres } from './storage/postgres/postgres.ts';
import { sqlite } from './storage/sqlite/sqlite.ts';
import { createSyncServer, type SyncServer } from './sync-server.ts';
import { isToolCall, runTool, toolsHelp } from './tools/tools.ts';

export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  if (isToolCall(args)) {
    process.exitCode = await runTool(args, env);
    return;
  }
  const read = readConfig(args, env);
  switch (read.type) {
    case 'help':
      process.stdout.write(`${read.text}\nTools, each with --help:\n${toolsHelp()}`);
      return;
    case 'bad':
      process.stderr.write(
        `skerry-server: the configuration is wrong\n${read.problems.map((problem) => `  ${problem}\n`).join('')}`,
      );
      process.exitCode = 2;
      return;
    case 'ok':
      await serve(read.config);
  }
}

async function serve(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel);
  try {
    const server = await start(config, logger);
    const { url } = await listen(server, config);
    stopOnSignal(server, logger);
    process.stdout.write(`skerry-server listening on ${url}\n${config.auth === null ? DEVELOPMENT_HINT : ''}`);
  } catch (failure) {
    process.stderr.write(`skerry-server: ${explain(failure, config)}\n`);
    process.exitCode = 1;
  }
}

const DEVELOPMENT_HINT =
  'development mode: nobody is asked who they are, so only this machine is served; for production set --jwks or --jwt-secret-file, and --origins; see docs/operations.md\n';

async function start(config: Config, logger: Logger): Promise<SyncServer> {
  const server: SyncServer = await createSyncServer({
    storage: config.database === null ? sqlite(config.file) : postgres(config.database),
    ...(config.static === null ? {} : { static: config.static }),
    ...(config.origins === null ? {} : { origins: config.origins }),
    ...(config.auth === null ? {} : { authenticate: jwt(config.auth) }),
    spaces: config.spaces,
    trustProxy: config.trustProxy,
    allowPlain: config.allowPlain,
    retention: config.retention,
    ...(config.metricsToken === null ? {} : { metricsToken: config.metricsToken }),
    logger,
    onFailure: () => void stop(server, 1),
  });
  return server;
}

async function listen(server: SyncServer, { port, host }: Config): Promise<{ readonly url: string }> {
  try {
    return await server.listen(port, host);
  } catch (failure) {
    await server.close();
    throw failure;
  }
}

/** The second signal does not wait: what was acknowledged is durable all the same. */
function stopOnSignal(server: SyncServer, logger: Logger): void {
  let isStopping = false;
  const onSignal = (signal: string): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.info('stopping', { signal });
    stop(server, 0).catch((failure: unknown) => {
      logger.error('stop-failed', failureFields(failure));
      process.exit(1);
    });
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

async function stop(server: SyncServer, exitCode: number): Promise<void> {
  await server.close();
  process.exit(exitCode);
}

function explain(failure: unknown, { file, port, host }: Config): string {
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is in use; choose another --port`;
  if (code === 'ENOTDIR' || code === 'EEXIST') return `no folder can be made for ${file}: a part of its path is a file`;
  if (code === 'EACCES' || code === 'EPERM') return `no permission for ${file} or port ${port}`;
  if (failure instanceof StorageError) return failure.message;
  return failure instanceof Error ? failure.message : String(failure);
}
